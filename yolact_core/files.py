"""Files that are never seen half-written."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ROOM = 1 << 20  # bytes; with less, any error while writing is taken for that


def require_folder(path: Path) -> None:
    """Refuse what can be no folder to write to, whether it is there yet or not.

    Raises:
        InputError: It is a file, would be in one, or must not be written to.
    """
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f'output must be a folder that can be written to, got {str(path)!r}')


@contextmanager
def replace_when_done(path: Path) -> Iterator[Path]:
    """Give a temporary file to write to, and move it to ``path`` if all goes well.

    The folder is made if need be. Whatever goes wrong, ``path`` is as it was before and nothing
    is left beside it.

    Args:
        path: Where the finished file shall be. The temporary one has the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _blame(path):
        handle, name = tempfile.mkstemp(suffix=path.suffix, prefix=_prefix(path), dir=path.parent)
        os.close(handle)
        unfinished = Path(name)
        try:
            yield unfinished
            unfinished.chmod(0o666 & ~_umask())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def replace_together(path: Path) -> Iterator[Path]:
    """Give a path in a temporary folder, and move all files of that folder beside ``path``.

    The file itself is moved last, so that where it is, its companions are. Whatever goes wrong
    before, all is as it was.

    Args:
        path: Where the finished file shall be. The temporary one has the same name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        _blame(path),
        tempfile.TemporaryDirectory(prefix=_prefix(path), dir=path.parent) as folder,
    ):
        unfinished = Path(folder) / path.name
        yield unfinished
        for file in sorted(unfinished.parent.iterdir(), key=lambda file: file == unfinished):
            file.replace(path.parent / file.name)


@contextmanager
def _blame(path: Path) -> Iterator[None]:
    """Let errors name the file that was asked for, and say so where the disk is full.

    Libraries raise errors of many kinds then.
    """
    try:
        yield
    except OSError as error:
        hidden = str(path.parent.absolute() / _prefix(path))
        named = str(Path(str(error.filename or '')).absolute())
        if named.startswith(hidden) or error.errno in DISK_FULL:
            error.filename = str(path)
        raise
    except InputError:
        raise
    except Exception as error:
        if shutil.disk_usage(path.parent).free > ROOM:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _prefix(path: Path) -> str:
    return f'.{path.stem}-'


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
