"""Photographs from packages, for surfaces, pictures, windows and screens of rendered rooms."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.indoor.assets.textures import random_colour
from recipes.packages import Package, fetch, read_members
from yolact_core.cli.options import argument, option
from yolact_core.media.image_files import read_image, write_image

Image = NDArray[np.uint8]
SIDE = 512  # px, of surfaces
VIEW_SIDE = 900  # px, longest side of pictures

ROBOSUITE = Package(
    registry='pypi',
    name='robosuite',
    version='1.5.2',
    sha256='b9e02df55de8949739de6ba1d196d2ba59cf33c51a76efcfbe5c2f73cdcf99ce',
)
WALLPAPERS = Package(
    registry='debian',
    name='lomiri-wallpapers-16.04',
    version='20.04.0-2',
    sha256='a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab',
)
SURFACE_FOLDER, VIEW_FOLDER = 'robosuite/models/assets/textures', 'usr/share/backgrounds'
SURFACES = {  # of robosuite: files by where they may show
    'floor': (
        'blue-wood dark-wood gray-woodgrain green-wood light-gray-floor-tile light-wood red-wood '
        'wood-tiles wood-varnished-panels clay ceramic gray-felt gray-plaster steel-scratched'
    ),
    'wall': (
        'cream-plaster gray-plaster light-gray-plaster pink-plaster white-plaster yellow-plaster '
        'white-bricks ceramic gray-felt light-wood'
    ),
    'thing': (
        'blue-wood dark-wood gray-woodgrain green-wood light-wood red-wood brass-ambra '
        'gray-felt steel-brushed steel-scratched metal white-plaster clay ceramic'
    ),
}
VIEWS = {  # of the wallpapers: author and licence of each file
    'aitzgorri_by_Aitzol_Berasategi.jpg': ('Aitzol Berasategi', 'CC-BY-4.0'),
    'friends_by_Aitzol_Berasategi.jpg': ('Aitzol Berasategi', 'CC-BY-4.0'),
    'life_by_Aitzol_Berasategi.jpg': ('Aitzol Berasategi', 'CC-BY-4.0'),
    'picosdeeuropa_by_Aitzol_Berasategi.jpg': ('Aitzol Berasategi', 'CC-BY-4.0'),
    'sunset_by_Aitzol_Berasategi.jpg': ('Aitzol Berasategi', 'CC-BY-4.0'),
    'Picture_0B_by_freespace.jpg': ('Trevor "Freespace"', 'CC-BY-4.0'),
    'Picture_1A_by_freespace.jpg': ('Trevor "Freespace"', 'CC-BY-4.0'),
    'seeding_by_Clements_Engelhardt.jpg': ('Clemens Engelhardt', 'CC0-1.0'),
    'umang_by_Abhishek_Mudgal.jpg': ('Abhishek Mudgal', 'CC-BY-4.0'),
}
LANDSCAPES = ('aitzgorri', 'life', 'picosdeeuropa', 'sunset', 'seeding')
CREDITS_HEAD = """# Credits of the photographs

Surfaces are scaled and recoloured, pictures are cropped.

| photograph | from | author | licence |
|---|---|---|---|
"""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``photos``."""

    output: Path = argument('folder to write')
    cache: Path = option('folder that keeps what is fetched', Path('out/packages'))


def run(options: Options) -> None:
    """Fetch photographs, and write them at the size that renderings need, with credits."""
    surfaces = {
        f'{SURFACE_FOLDER}/{name}.png': ('Stanford University, authors of robosuite', 'MIT')
        for name in sorted({name for names in SURFACES.values() for name in names.split()})
    }
    views = {f'{VIEW_FOLDER}/{name}': credit for name, credit in VIEWS.items()}
    folders = options.output / 'surfaces', options.output / 'views'
    rows = write_photos(fetch(ROBOSUITE, options.cache), surfaces, folders[0], (SIDE, SIDE))
    rows += write_photos(fetch(WALLPAPERS, options.cache), views, folders[1], None)
    (options.output / 'CREDITS.md').write_text(CREDITS_HEAD + ''.join(rows))
    logger.info('wrote %d photographs to %s', len(rows), options.output)


def write_photos(
    archive: Path,
    chosen: Mapping[str, tuple[str, str]],
    folder: Path,
    size: tuple[int, int] | None,
) -> list[str]:
    """Write some pictures of a package as JPEG files.

    Args:
        archive: The package.
        chosen: Author and licence of each picture by its name in the package.
        folder: Folder to write to.
        size: Width and height in pixels. Default: at most ``VIEW_SIDE`` either way.

    Returns:
        A row of the credits for each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, content in read_members(archive, *chosen):
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        scale = VIEW_SIDE / max(bgr.shape[:2])
        width, height = size or (round(bgr.shape[1] * scale), round(bgr.shape[0] * scale))
        small = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)
        write_image(folder / f'{Path(name).stem}.jpg', small[..., ::-1])
        author, licence = chosen[name]
        rows.append(f'| {Path(name).stem} | {archive.name} | {author} | {licence} |\n')
    return rows


class Photos:
    """The photographs that the step ``photos`` wrote.

    Args:
        folder: Folder that the step wrote to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.surfaces = {
            use: [read_image(folder / 'surfaces' / f'{name}.jpg') for name in names.split()]
            for use, names in SURFACES.items()
        }
        photos = {name: read_image(folder / 'views' / name) for name in VIEWS}
        self.pictures = list(photos.values())
        self.landscapes = [p for name, p in photos.items() if name.startswith(LANDSCAPES)]

    def surface(self, use: str, random: Generator) -> Image:
        """Return a floor, wall or thing's surface, in the photograph's colour or in another."""
        chosen = self.surfaces[use]
        photo = chosen[int(random.integers(len(chosen)))]
        if random.random() < 0.4:
            return photo
        low = 0.2 if use == 'floor' else 0.5
        grain = relief(photo, float(random.uniform(0.3, 1.0)))
        colour = np.array(random_colour(random, 0.6, low, 1.0))
        return np.asarray(np.clip(grain * colour * 255, 0, 255), np.uint8)

    def detail(self, random: Generator) -> Image:
        """Return the grain of a surface in grey, to be tinted with a thing's own colour."""
        things = self.surfaces['thing']
        grain = relief(things[int(random.integers(len(things)))], float(random.uniform(0.1, 0.6)))
        grey = grain.mean(axis=2, keepdims=True) * np.ones(3)
        half = cv2.resize(grey, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
        return np.asarray(np.clip(half * 225, 0, 255), np.uint8)

    def picture(self, random: Generator) -> Image:
        """Return a part of any photograph, sometimes in grey."""
        part = crop(self.pictures[int(random.integers(len(self.pictures)))], random)
        if random.random() < 0.15:
            part = np.repeat(part.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
        return part

    def view(self, random: Generator) -> Image:
        """Return what is seen through a window: a landscape, mostly overexposed."""
        part = crop(self.landscapes[int(random.integers(len(self.landscapes)))], random)
        white = random.uniform(0.1, 0.8)
        return np.asarray(part * (1 - white) + 255 * white, np.uint8)


def relief(photo: Image, strength: float) -> NDArray[np.float64]:
    """Return a photograph over its mean, with its contrast times ``strength``, mean 1."""
    ratio = photo / np.maximum(photo.mean(axis=(0, 1)), 1.0)
    return np.asarray(1 + strength * (ratio - 1))


def crop(photo: Image, random: Generator) -> Image:
    """Return a random part of a photograph of 300 to 600 px, mirrored or not."""
    height, width = np.minimum(random.integers(300, 600, 2), photo.shape[:2])
    top = int(random.integers(photo.shape[0] - height + 1))
    left = int(random.integers(photo.shape[1] - width + 1))
    part = photo[top : top + height, left : left + width]
    return np.ascontiguousarray(part[:, ::-1] if random.random() < 0.5 else part)
