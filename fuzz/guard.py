"""Runs inputs one by one and refuses what no input may cause."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3  # noqa: F401 - it must be imported before it is watched
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from yolact_core.errors import InputError

LONGEST = 10.0  # seconds of work; what waits for ever is ended from outside
MOST_MEMORY = 2**30  # bytes more than before
STATUS, RESET_PEAK = Path('/proc/self/status'), Path('/proc/self/clear_refs')  # of Linux
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATHS_CHANGED = {  # audit events, and how many of their arguments are paths that change
    'os.mkdir': 1, 'os.remove': 1, 'os.rename': 2, 'os.rmdir': 1, 'os.link': 2, 'os.symlink': 2,
    'os.truncate': 1, 'shutil.rmtree': 1, 'sqlite3.connect': 1,
}  # fmt: skip
FORBIDDEN = ('subprocess.Popen', 'os.system', 'os.exec', 'os.posix_spawn', 'socket.connect')


class FindingError(Exception):
    """An input caused what none may cause."""


class Guard:
    """Runs a target's inputs, each in an empty folder, and looks at what they cause.

    Once made it watches this process until its end: a process needs one alone.

    Args:
        run: Function that is given an input and a folder.
        folder: Folder that inputs may write to; whatever is in it is deleted.
        longest: Seconds of work that an input may take, however busy the machine is.
        most_memory: Bytes that an input may take.
    """

    def __init__(
        self,
        run: Callable[[bytes, Path], None],
        folder: Path,
        longest: float = LONGEST,
        most_memory: int = MOST_MEMORY,
    ) -> None:
        self._run = run
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._longest, self._most_memory = longest, most_memory
        self._is_running = False
        self._faults: list[str] = []
        tempfile.tempdir = str(self._folder)
        sys.dont_write_bytecode = True
        sys.addaudithook(self._watch)
        limit = _memory('VmSize') + 8 * most_memory  # beyond it, the machine is in danger
        if limit > 8 * most_memory:
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))

    def __call__(self, data: bytes) -> None:
        """Run an input.

        Raises:
            FindingError: It took too long or too much, or something outside the folder changed.
            Exception: It caused one that is no ``InputError``.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        before, start = _reset_peak(), time.process_time()
        self._faults.clear()
        self._is_running = True
        try:
            self._run(data, self._folder)
        except InputError as error:
            if len(str(error)) > 10_000:
                self._faults.append(f'a sentence of {len(str(error))} characters')
        finally:
            self._is_running = False
        if (seconds := time.process_time() - start) > self._longest:
            self._faults.append(f'took {seconds:.0f} s')
        if (more := _memory('VmHWM') - before) > self._most_memory:
            self._faults.append(f'took {more >> 20} MiB')
        if self._faults:
            raise FindingError('; '.join(self._faults))

    def _watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._is_running:
            return
        if event in FORBIDDEN:
            self._faults.append(f'{event} {arguments[:2]}')
        elif event == 'open':
            path, mode, flags = arguments
            if isinstance(flags, int) and (flags & WRITING or set(str(mode)) & set('wax+')):
                self._note(path)
        else:
            for path in arguments[: PATHS_CHANGED.get(event, 0)]:
                self._note(path)

    def _note(self, path: object) -> None:
        """Take note of a path that is written to."""
        if not isinstance(path, str | bytes | os.PathLike):
            return
        place = Path(os.path.realpath(os.fsdecode(path).removeprefix('file:').partition('?')[0]))
        if not place.is_relative_to(self._folder) and place != Path(os.devnull):
            self._faults.append(f'wrote to {place}')


def _reset_peak() -> int:
    """Forget how much memory this process once had, and return how much it has, in bytes."""
    if RESET_PEAK.exists():
        RESET_PEAK.write_text('5')
    return _memory('VmRSS')


def _memory(field: str) -> int:
    """Return memory of this process in bytes, as Linux tells it; elsewhere 0."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(field)), 0)
