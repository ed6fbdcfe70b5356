"""Run jobs in processes on this machine."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple

from yolact_ros.bag.executors.executor import Attempted, Crashed, Pool, Work, attempt


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
