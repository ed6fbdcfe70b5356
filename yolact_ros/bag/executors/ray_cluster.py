"""Run jobs on many machines, by way of Ray."""

from __future__ import annotations

import logging
from typing import Any

from yolact_core.errors import InputError
from yolact_ros.bag.executors.executor import Attempted, Crashed, Pool, Work, attempt

LOCAL = 'local'
AHEAD = 2  # jobs for each core, so that none waits for its next one, and more machines may join


class RayCluster(Pool):
    """Workers of a Ray cluster. This package must be installed on all of its machines.

    Args:
        address: Address of the cluster, ``auto`` for the one that this machine belongs to, or
            ``local`` for a new one on this machine alone.
        workers: Number of cores of a new one, or of jobs at a time on another; None is all.
        gpus: Number of GPUs that each job takes.

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

    def close(self) -> None:
        """Leave the cluster, or end it if it was started here."""
        self._ray.shutdown()

    def submit(self, number: int, work: Work, job: object) -> None:
        """Give a job to the cluster."""
        self._running[self._remote.remote(work, job)] = number

    def wait(self) -> tuple[int, Attempted]:
        """Wait until a job ends, or its process, or its machine."""
        (ended,), _ = self._ray.wait(list(self._running), num_returns=1)
        number = self._running.pop(ended)
        try:
            outcome: Attempted = self._ray.get(ended)
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
