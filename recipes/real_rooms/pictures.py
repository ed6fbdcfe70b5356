"""All real pictures of the tests in two halves: those kept here, and more out of packages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipes.packages import Package, fetch, read_members
from recipes.pictures import decode, read_sources, shrink
from yolact_core.cli.options import argument, option
from yolact_core.files import replace_when_done
from yolact_core.media.image_files import write_image
from yolact_core.terminal import say

KEPT = Path(__file__).parents[2] / 'test' / 'data' / 'real_rooms_2'
HALVES = ('choose', 'report')
MOST_SIDE = 640  # px, that of the pictures that are kept, and of the outlines


@dataclass(frozen=True, kw_only=True)
class Source(Package):
    """A package with pictures of the set.

    Args:
        license: Terms of the package.
        pictures: Name of each picture in the set, without suffix, and in the archive.
    """

    license: str
    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``real-rooms``."""

    output: Path = argument('folder to write pictures and both halves to')
    kept: Path = option('folder with the pictures that need not be fetched', KEPT)
    cache: Path = option('folder that keeps what is fetched', Path('out/packages'))


def run(options: Options) -> None:
    """Put all pictures into one folder, with a COCO file for each half."""
    options.output.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.kept.glob('*.jpg')):
        shutil.copy(path, options.output)
    for source in read_sources(options.kept / 'fetched' / 'sources.yaml', Source):
        for name, rgb in read_pictures(source, options.cache):
            write_image(options.output / f'{name}.jpg', rgb)
    for half in HALVES:
        folders = (options.kept, options.kept / 'fetched')
        joined = join(*(json.loads((folder / f'{half}.json').read_text()) for folder in folders))
        with replace_when_done(options.output / f'{half}.json') as unfinished:
            unfinished.write_text(json.dumps(joined))
        objects = sum(not annotation['iscrowd'] for annotation in joined['annotations'])
        say(f'{half}: {len(joined["images"])} pictures, {objects} objects')


def read_pictures(source: Source, cache: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield each picture of a package: its name in the set, and RGB of the set's size.

    Args:
        source: The package.
        cache: Folder that keeps what is fetched.

    Raises:
        SystemExit: The package cannot be fetched, or lacks a picture.
    """
    members = dict(read_members(fetch(source, cache), *(path for _, path in source.pictures)))
    for name, path in source.pictures:
        rgb = decode(members.get(path, b'\0'))
        if rgb is None:
            raise SystemExit(f'{path} of the {source} must be a picture, got none')
        yield name, shrink(rgb, MOST_SIDE)


def join(kept: dict[str, Any], fetched: dict[str, Any]) -> dict[str, Any]:
    """Return two COCO files of the same categories and different ids as one."""
    lists = ('licenses', 'images', 'annotations')
    return {**kept, **{name: [*kept[name], *fetched[name]] for name in lists}}
