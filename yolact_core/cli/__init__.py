"""How programs begin, are told to end, and end: their streams, signals and exit statuses.

What takes time to import is imported within, where a signal ends the program quietly.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import NoReturn

from yolact_core.errors import BAD_INPUT, INTERRUPTED, READER_GONE, InputError
from yolact_core.terminal import complain, explained_output

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_received: list[int] = []  # signals that have asked this process to end: they are its own


class Ended(KeyboardInterrupt):
    """A signal has asked the program to end."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of ``yolact``.

    Args:
        argv: Words of the command line, without the program. Default: those of this process.

    Returns:
        Exit status: 0 if all is well, 2 for bad input, otherwise as the command says.
    """

    def work() -> int:
        from yolact_core.checkpoints.model_zoo import cache_folder
        from yolact_core.cli.commands import run_command

        if os.path.expanduser('~') == '~':  # noqa: PTH111 - pathlib raises an error then
            os.environ['HOME'] = str(cache_folder())  # OpenVINO does not work without one
        return run_command(list(sys.argv[1:] if argv is None else argv))

    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')  # PyTorch's threads leave cores to others
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')  # what is wrong, we say ourselves
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    return run_program(work, is_last=argv is None)


def run_program(work: Callable[[], int], *, is_last: bool) -> int:
    """Do the work of a program; whatever ends it early is said in one sentence at most.

    Args:
        work: Function that does the work and returns the exit status.
        is_last: Whether nothing comes after that, so that a signal may end the process at once.

    Returns:
        Exit status, as in docs/exit_statuses.md.
    """
    _received.clear()
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, _end)
        _open_streams()
        status = work()
        with explained_output():
            sys.stdout.flush()
    except BaseException as error:
        status = _explain(error)
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if is_last else handler)
    _let_go_of_output()
    return 128 + _received[0] if status == INTERRUPTED and _received else status


def stop_on_interrupt() -> AbstractContextManager[Callable[[], bool]]:
    """Let Ctrl-C or SIGTERM ask for an orderly end, and a second one end at once.

    Gives a function that returns whether the end is asked for.
    """
    return _stop_on(*ENDING, is_patient=False)


def stop_on_signals() -> AbstractContextManager[Callable[[], bool]]:
    """Let Ctrl-C and SIGTERM ask for an orderly end, however often.

    Gives a function that returns whether the end is asked for.
    """
    return _stop_on(signal.SIGINT, signal.SIGTERM, is_patient=True)


@contextmanager
def _stop_on(*numbers: signal.Signals, is_patient: bool) -> Iterator[Callable[[], bool]]:
    is_asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        if is_asked and not is_patient:
            _end(number, frame)
        is_asked = True
        _received.append(number)

    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if number != signal.SIGHUP or handler is not signal.SIG_IGN:
                signal.signal(number, ask)
        yield lambda: is_asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise Ended


def _open_streams() -> None:
    """Let closed streams lead nowhere, and what a terminal cannot show become escapes.

    Otherwise the next file that is opened would be the stream.
    """
    for number, name in enumerate(('stdin', 'stdout', 'stderr')):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # it takes the lowest number that is free
        setattr(sys, name, open(number, 'w' if number else 'r', encoding='utf-8'))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='backslashreplace')


def _let_go_of_output() -> None:
    """Let nothing be said at the very end of the process about output that nobody takes."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: BaseException) -> int:
    """Say what has ended a program, and return its exit status."""
    if _is_told(error):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return READER_GONE
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        return error.code or 0
    if sys.flags.dev_mode and not isinstance(error, InputError | OSError | SystemExit):
        raise error
    complain(_describe(error))
    return BAD_INPUT


def _is_told(error: BaseException | None) -> bool:
    """Return whether a signal is behind an error; within imports it may become any other."""
    if _received and not isinstance(error, InputError | OSError):
        return True
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _describe(error: BaseException) -> str:
    if isinstance(error, InputError | SystemExit):
        return str(error)
    if isinstance(error, OSError):
        return f'{error.filename or "file"} must be usable: {error.strerror or error}'
    if isinstance(error, MemoryError):
        return f'memory must suffice: {error or "there is none left"}'
    reason = ' '.join(f'{type(error).__name__} {error}'.split())
    return f'this must not happen, please report it: {reason} (python -X dev shows where)'
