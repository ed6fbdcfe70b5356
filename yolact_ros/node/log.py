"""What the core has to say, in the log of the node."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.impl.rcutils_logger import RcutilsLogger


@contextmanager
def forward_core_log(logger: RcutilsLogger) -> Iterator[None]:
    """Let a node tell what the core does meanwhile, such as measuring backends for a minute.

    Args:
        logger: The node's.
    """
    core, handler = logging.getLogger('yolact_core'), _Forwarder(logger)
    level = core.level
    core.addHandler(handler)
    core.setLevel(logging.INFO)
    try:
        yield
    finally:
        core.setLevel(level)
        core.removeHandler(handler)


class _Forwarder(logging.Handler):
    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log a message of the core; a line has one severity in ROS, hence these three."""
        if record.levelno >= logging.ERROR:
            self._logger.error(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        else:
            self._logger.info(record.getMessage())
