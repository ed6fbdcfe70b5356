"""The one error for input from outside that is not as it must be, and exit statuses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec('P')
Result = TypeVar('Result')

SAYS_NO = 1  # done, and the answer is no
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE
TERMINATED = 143  # 128 + SIGTERM


class InputError(ValueError):
    """A file, configuration, option or image is not as it must be.

    Its text is one sentence: what must hold, then what was found. The command line prints it and
    exits with ``BAD_INPUT``; the node refuses what it was given and goes on.
    """


def result_or_error(
    function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
) -> Result | InputError:
    """Call a function, and return its result, or the InputError that it has raised."""
    try:
        return function(*args, **kwargs)
    except InputError as error:
        return error


@contextmanager
def package_needed(package: str, extra: str, purpose: str = '') -> Iterator[None]:
    """Turn the failure of an import inside the block into a sentence that says what to install.

    Args:
        package: Package that is imported.
        extra: Extra of this project that brings it.
        purpose: What it is needed for, such as ``to draw a plot``.

    Raises:
        InputError: The package cannot be imported.
    """
    try:
        yield
    except ImportError:
        wanted = f'package {package} must be installed {purpose}'.rstrip()
        raise InputError(f"{wanted}, got none: pip install 'yolact[{extra}]'") from None
