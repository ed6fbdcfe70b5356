"""Pools of workers, on this machine or on a Ray cluster; those that die are replaced."""

from __future__ import annotations

import logging
import os
import signal
from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from yolact_core.errors import InputError
from yolact_ros.bag.executors.executor import (
    Attempted,
    Crashed,
    Done,
    Ended,
    Executor,
    Observer,
    Refused,
    Work,
)
from yolact_ros.bag.io.storage import Loss

ATTEMPTS = 3  # before a job is given up
LOCAL = 'local'  # address of a new cluster
AHEAD = 2  # jobs for each core, so that none waits for its next one, and more machines may join


class Pool(Executor):
    """Runs jobs in other processes, several at a time; each until it ends well or fails too often.

    Attributes:
        size: Number of jobs that can run at the same time.
    """

    is_shared = True
    size: int

    @abstractmethod
    def submit(self, number: int, work: Work, job: object) -> None:
        """Begin a job; there are never more than ``size``."""

    @abstractmethod
    def wait(self) -> tuple[int, Attempted]:
        """Wait until any job ends, and return its number and how it ended."""

    def map(self, work: Work, jobs: Sequence[object], observer: Observer) -> list[Ended]:
        """Run all jobs; the observer learns of steps as jobs end, then of losses in order."""
        ended: dict[int, Ended] = {}
        for number, outcome in self.run(work, jobs):
            ended[number] = outcome
            for _ in range(outcome.steps if isinstance(outcome, Done) else 0):
                observer.advance()
        in_order = [ended[number] for number in range(len(jobs))]
        for outcome in in_order:
            for loss in outcome.losses if isinstance(outcome, Done) else ():
                observer.on_loss(loss)
        return in_order

    def run(self, work: Work, jobs: Sequence[object]) -> Iterator[tuple[int, Ended]]:
        """Run all jobs.

        Yields:
            The number of a job and how it ended, as soon as it has ended.
        """
        waiting, attempts, running = deque(range(len(jobs))), Counter[int](), 0
        while waiting or running:
            while waiting and running < self.size:
                number = waiting.popleft()
                self.submit(number, work, jobs[number])
                running += 1
            number, outcome = self.wait()
            running -= 1
            attempts[number] += 1
            if not isinstance(outcome, Crashed):
                yield number, outcome
            elif attempts[number] < ATTEMPTS:
                waiting.append(number)
            else:
                yield number, Refused(f'it failed {ATTEMPTS} times, at last: {outcome.reason}')


class _Worker(NamedTuple):
    """A process, and the connection to it."""

    process: BaseProcess
    connection: Connection


class Processes(Pool):
    """Processes on this machine, started when there is work for them.

    One that is killed ends its own job only; another takes its place.

    Args:
        size: Greatest number of processes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}

    def close(self) -> None:
        """Kill all processes, and wait until they are gone."""
        workers = [*self._idle, *self._busy.values()]
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            _join(worker)
        self._idle, self._busy = [], {}

    def submit(self, number: int, work: Work, job: object) -> None:
        """Give a job to a process."""
        worker = self._idle.pop() if self._idle else _start()
        self._busy[number] = worker
        with suppress(OSError):  # it is dead: wait() finds out
            worker.connection.send((work, job))

    def wait(self) -> tuple[int, Attempted]:
        """Wait until a job ends, or its process."""
        (ready, *_) = wait([worker.connection for worker in self._busy.values()])
        number = next(one for one, worker in self._busy.items() if worker.connection is ready)
        worker = self._busy.pop(number)
        try:
            outcome: Attempted = worker.connection.recv()
        except (EOFError, OSError):
            return number, Crashed(_join(worker))
        self._idle.append(worker)
        return number, outcome


def _start() -> _Worker:
    context = get_context('spawn')
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _join(worker: _Worker) -> str:
    """Wait for the end of a process, and return how it ended."""
    worker.connection.close()
    worker.process.join()
    code = worker.process.exitcode or 0
    worker.process.close()
    return f'its process ended {f"by signal {-code}" if code < 0 else f"with status {code}"}'


def _serve(connection: Connection) -> None:
    """Run one job after the other until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives the jobs
    os.environ['OMP_NUM_THREADS'] = '1'  # before any library asks
    with suppress(EOFError, OSError):
        while True:
            work, job = connection.recv()
            connection.send(attempt(work, job))


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
        try:
            import ray
        except ImportError:
            raise InputError(
                "Ray must be installed for --cluster: pip install 'yolact[cluster]'"
            ) from None
        self._ray: Any = ray
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


def attempt(work: Work, job: object) -> Attempted:
    """Run a job in a process that has no other, with a single thread.

    The number of threads decides in which order sums are made, and thereby the last digit.
    """
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    steps: list[None] = []
    losses: list[Loss] = []
    try:
        value = work(job, Observer(lambda: steps.append(None), losses.append))
    except InputError as error:
        return Refused(str(error))
    except Exception as error:  # whatever it is, other jobs go on
        return Crashed(f'{type(error).__name__}: {error}')
    return Done(value, len(steps), tuple(losses))
