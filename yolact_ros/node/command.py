"""``yolact_node``: its command line, its start and its end."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, NoReturn

from yolact_core.errors import BAD_INPUT, InputError
from yolact_core.terminal import escape
from yolact_ros.process.ending import end_orderly, leave
from yolact_ros.process.joining import join_ros, ros_errors, split_words

if TYPE_CHECKING:
    from rclpy.impl.rcutils_logger import RcutilsLogger

NAME = 'yolact_node'
# Seconds after which a thread leaves Python's lock to one that waits for it. By default it may
# keep it for 5 ms, as long as half of what an image takes, and what has just come in waits.
PATIENCE = 0.0002
EPILOG = (
    'Everything else is told as ROS has it: --ros-args -p model.name:=indoor '
    '-r image:=/camera/image_raw --params-file FILE'
)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the node until it is told to stop, and end the process.

    Its exit status is 0 after Ctrl-C or SIGTERM, and 2 if the node cannot start.

    Args:
        argv: Words of the command line, without the command. Default: those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _make_parser().parse_args(split_words(NAME, words))
        remark = join_ros(words)
    except InputError as error:
        sys.stderr.write(f'{NAME}: error: {escape(" ".join(str(error).split()))}\n')
        leave(BAD_INPUT)
    leave(_run(words, remark))


def _make_parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=NAME,
        description='Publish the instances in the images of cameras.',
        epilog=EPILOG,
    )


def _run(words: Sequence[str], remark: str) -> int:
    """Start the node, let it work, and return the exit status.

    Args:
        words: Words of the command line.
        remark: What the log begins with; may be empty.
    """
    import rclpy
    from rclpy.logging import get_logger

    from yolact_core.terminal import handle_logs

    status = 0
    sys.setswitchinterval(PATIENCE)
    logger = get_logger('yolact')
    if remark:
        logger.warning(remark)
    try:
        with ros_errors():
            from yolact_ros.node.node import YolactNode

            node = YolactNode(words)
        with closing(node), handle_logs(RosLog(node.get_logger())):
            if node.start():
                end_orderly()
                rclpy.spin(node)
            elif rclpy.ok():  # else it was told to stop meanwhile
                status = BAD_INPUT
    except InputError as error:
        if rclpy.ok():
            logger.fatal(f'cannot start: {error}')
            status = BAD_INPUT
    except Exception:
        if rclpy.ok():  # else it was told to stop in the middle of a callback
            raise
    rclpy.try_shutdown()
    return status


class RosLog(logging.Handler):
    """Shows what the core says, such as that it measures backends, in the log of the node.

    Args:
        logger: Logger of the node.
    """

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
