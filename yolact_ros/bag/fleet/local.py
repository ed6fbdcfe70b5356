"""Processes on this machine."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import NamedTuple

from yolact_ros.bag.fleet.pool import Crashed, Outcome, Work, attempt


class _Worker(NamedTuple):
    """A process, and the line to it."""

    process: BaseProcess
    line: Connection


class LocalPool:
    """Processes on this machine, begun when there is work for them.

    One that is killed ends its own job only; another takes its place.

    Args:
        size: At most so many.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        workers = [*self._idle, *self._busy.values()]
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            _bury(worker)

    def submit(self, number: int, work: Work, job: object) -> None:
        """Give a job to a process."""
        worker = self._idle.pop() if self._idle else _start()
        self._busy[number] = worker
        with suppress(OSError):  # it is dead: wait() finds out
            worker.line.send((work, job))

    def wait(self) -> tuple[int, Outcome]:
        """Wait until a job ends, or its process."""
        (ready, *_) = connection.wait([worker.line for worker in self._busy.values()])
        number = next(one for one, worker in self._busy.items() if worker.line is ready)
        worker = self._busy.pop(number)
        try:
            outcome: Outcome = worker.line.recv()
        except (EOFError, OSError):
            return number, Crashed(_bury(worker))
        self._idle.append(worker)
        return number, outcome


def _start() -> _Worker:
    context = get_context('spawn')
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _bury(worker: _Worker) -> str:
    """Wait for the end of a process, and return how it ended."""
    worker.line.close()
    worker.process.join()
    code = worker.process.exitcode or 0
    worker.process.close()
    return f'its process ended {f"by signal {-code}" if code < 0 else f"with status {code}"}'


def _serve(line: Connection) -> None:
    """Do one job after the other until nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who gives the jobs
    os.environ['OMP_NUM_THREADS'] = '1'  # before any library asks
    with suppress(EOFError, OSError):
        while True:
            work, job = line.recv()
            line.send(attempt(work, job))
