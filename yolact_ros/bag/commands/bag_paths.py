"""Find the bags that were asked for: paths, folders that are searched, and lists in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from yolact_core.errors import InputError
from yolact_ros.bag.io.opening import FILE_SUFFIXES

METADATA = 'metadata.yaml'
COMMENT = '#'


class ChosenBags(NamedTuple):
    """The bags that were asked for.

    Attributes:
        paths: Paths of the bags.
        is_single: Whether one bag was named, so that the answer is about one.
        is_shared: Whether the work goes to other processes.
    """

    paths: tuple[Path, ...]
    is_single: bool
    is_shared: bool


def find_bags(paths: Sequence[Path], list_file: Path | None = None) -> tuple[Path, ...]:
    """Return all bags that were asked for, each once, in the order in which they were named.

    A path that is neither a bag nor a folder of bags is returned too: opening it will say best
    what is wrong with it, and the other bags need not wait for that.

    Args:
        paths: Paths of bags, or of folders that are searched for bags, sorted by name.
        list_file: File with one path a line, relative to its own folder; ``#`` begins a comment.

    Raises:
        InputError: Nothing is named, or the list cannot be read.
    """
    named = [*paths, *(read_list(list_file) if list_file else ())]
    if not named:
        raise InputError('bags must be named, as paths or by --list FILE, got none')
    return tuple(dict.fromkeys(bag for path in named for bag in _search(path) or [path]))


def is_bag(path: Path) -> bool:
    """Return whether a path is a bag, and not a folder to be searched."""
    if not path.is_dir():
        return True
    return any(one.name == METADATA or one.suffix in FILE_SUFFIXES for one in path.iterdir())


def read_list(path: Path) -> list[Path]:
    """Return the paths that a file lists.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f'{path} must be a list of bags, one a line: {error}') from error
    stripped = [line.strip() for line in lines]
    return [path.parent / one for one in stripped if one and not one.startswith(COMMENT)]


def name_results(bags: Sequence[Path], folder: Path) -> list[Path]:
    """Return where the results of bags go: below a folder, with the parts of names that differ.

    Raises:
        InputError: The folder is a file, or two bags have the same name.
    """
    from yolact_ros.bag.evaluate.plan import distinct_names

    if folder.suffix in FILE_SUFFIXES or folder.is_file():
        raise InputError(f'output of many bags must be a folder, got {str(folder)!r}')
    names = [str(_without_suffix(bag.resolve())) for bag in bags]
    for bag, name in zip(bags, names, strict=True):
        if names.count(name) > 1:
            raise InputError(f'bags must differ in more than their suffix, got {str(bag)!r}')
    return [folder / f'{name}.mcap' for name in distinct_names(names)]


def _without_suffix(path: Path) -> Path:
    return path.with_suffix('') if path.suffix in FILE_SUFFIXES else path


def _search(path: Path) -> list[Path]:
    """Return a bag itself, or all bags below a folder."""
    if is_bag(path):
        return [path]
    return [bag for child in sorted(path.iterdir()) if child.is_dir() for bag in _search(child)]
