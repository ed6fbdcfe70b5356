"""Many machines, by way of Ray."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any

from yolact_core.errors import InputError
from yolact_ros.bag.fleet.pool import Crashed, Outcome, Work, attempt

LOCAL = 'local'
AHEAD = 2  # jobs for each core, so that none waits for its next one, and more machines may join


class RayPool:
    """The workers of a Ray cluster. This package must be installed on all of its machines.

    Args:
        address: Of the cluster, ``auto`` for the one that this machine belongs to, or ``local``
            for a new one on this machine alone.
        workers: Cores of a new one; at most so many jobs at a time on another. None is all.
        gpus: Of each job.

    Raises:
        InputError: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, address: str, workers: int | None, gpus: int = 0) -> None:
        self._ray = _require_ray()
        self._running: dict[Any, int] = {}
        try:
            self._ray.init(
                address=address,
                num_cpus=workers if address == LOCAL else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **({'include_dashboard': False} if address == LOCAL else {}),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().partition('\n')[0]
            raise InputError(
                f'--cluster must be the address of a Ray cluster, auto or local, '
                f'got {address!r}: {reason}'
            ) from error
        self._remote = self._ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(attempt)
        self.size = workers or AHEAD * max(1, int(self._ray.cluster_resources().get('CPU', 1)))

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ray.shutdown()

    def submit(self, number: int, work: Work, job: object) -> None:
        """Give a job to the cluster."""
        self._running[self._remote.remote(work, job)] = number

    def wait(self) -> tuple[int, Outcome]:
        """Wait until a job ends, or its process, or its machine."""
        (ended,), _ = self._ray.wait(list(self._running), num_returns=1)
        number = self._running.pop(ended)
        try:
            outcome: Outcome = self._ray.get(ended)
        except self._ray.exceptions.RayError as error:
            return number, Crashed(str(error).strip().splitlines()[-1])
        return number, outcome


def _require_ray() -> Any:  # noqa: ANN401 - a module
    try:
        import ray
    except ImportError:
        raise InputError(
            "Ray must be installed for --cluster: pip install 'yolact[cluster]'"
        ) from None
    return ray
