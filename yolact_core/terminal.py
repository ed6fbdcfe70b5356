"""What the command line shows: results on stdout, all else on stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from yolact_core.errors import InputError

if TYPE_CHECKING:
    import logging

    from rich.table import Table

WIDE = 240  # columns where nobody looks at a terminal
COMMANDS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]')  # to a terminal


def escape(text: str) -> str:
    """Return a text with all that a terminal would obey, and not show, written as escapes.

    Names of topics and classes come from files that anybody may have written.
    """
    return COMMANDS.sub(lambda match: match[0].encode('unicode_escape').decode(), text)


def say(text: str) -> None:
    """Write a line of results."""
    _write_results(escape(text))


def _write_results(text: str) -> None:
    with explained_output():
        sys.stdout.write(text + '\n')


@contextmanager
def explained_output() -> Iterator[None]:
    """Say what is wrong where stdout cannot be written to; a reader that has gone is no fault.

    Raises:
        InputError: It cannot, as on a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f'standard output must be writable: {error.strerror}') from error


def say_json(values: object) -> None:
    """Write values for a program."""
    import json

    say(json.dumps(values, indent=2))


def say_table(table: Table) -> None:
    """Write a table, as wide as need be where stdout is no terminal."""
    from rich.console import Console
    from rich.text import Text

    class PlainConsole(Console):
        def render_str(self, text: str, **_: Any) -> Text:  # noqa: ANN401 - as it is declared
            return Text(escape(text))

    console = PlainConsole(width=None if sys.stdout.isatty() else WIDE)
    with explained_output(), console.capture() as written:  # at a closed pipe it would exit itself
        console.print(table)
    _write_results(written.get().removesuffix('\n'))


def remark(text: str) -> None:
    """Write a line for someone who waits at a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f'{escape(text)}\n')


def remark_logs() -> AbstractContextManager[None]:
    """Show someone at a terminal what the core logs meanwhile."""
    import logging

    class RemarkHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            remark(record.getMessage())

    return handle_logs(RemarkHandler())


@contextmanager
def handle_logs(handler: logging.Handler) -> Iterator[None]:
    """Give what the core logs meanwhile, from level INFO on, to a handler."""
    import logging

    logger = logging.getLogger('yolact_core')
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


def complain(sentence: str) -> None:
    """Write one line about what is wrong."""
    with suppress(OSError):  # nobody listens
        sys.stderr.write(f'yolact: error: {escape(" ".join(sentence.split()))}\n')


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a progress bar where stderr is a terminal, and give a function that moves it by one.

    The bar shows rate and time left.

    Args:
        what: Name of what is going on.
        total: Number of steps, if that is known.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn('{task.fields[rate]}')
    columns = (
        *Progress.get_default_columns()[:-1],
        MofNCompleteColumn(),
        rate,
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True, soft_wrap=True), transient=True
    ) as progress:
        task = progress.add_task(what, total=total, rate='')

        def advance() -> None:
            progress.advance(task)
            if speed := progress.tasks[0].speed:
                progress.update(task, rate=f'{speed:.1f}/s')

        yield advance
