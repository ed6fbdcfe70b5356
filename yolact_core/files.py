"""Files that are never seen half-written."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replace_when_done(path: Path) -> Iterator[Path]:
    """Give a temporary file to write to, and move it to ``path`` if all goes well.

    The folder is made if need be. Whatever goes wrong, ``path`` is as it was before and nothing
    is left beside it.

    Args:
        path: Where the finished file shall be. The temporary one has the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=path.suffix, prefix=f'.{path.stem}-', dir=path.parent)
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
    with tempfile.TemporaryDirectory(prefix=f'.{path.stem}-', dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        for file in sorted(unfinished.parent.iterdir(), key=lambda file: file == unfinished):
            file.replace(path.parent / file.name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
