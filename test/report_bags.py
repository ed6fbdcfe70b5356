"""A small bag with truth and two recorded results, one better than the other, for reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bags import (
    CLASS_NAMES,
    SIZE,
    Item,
    image_item,
    make_detections,
    make_rgb,
    truth_item,
    write_bag,
)

from yolact_core.cli import main
from yolact_core.detections import Detections

COUNT = 12
BLIND = 5  # where the worse one finds nothing
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def make_scene(names: tuple[str, ...] = CLASS_NAMES) -> list[tuple[Detections, Detections]]:
    """Return truth and the worse result of each image: a person and a chair that stand still."""
    scene = []
    for index in range(COUNT):
        person = (COLUMNS - 35) ** 2 + (ROWS - 45) ** 2 < 22**2
        chair = (abs(COLUMNS - 90) < 20) & (abs(ROWS - 50) < 25)
        shift = 4 * (index % 2)
        worse = [np.roll(person, shift, 1), np.roll(chair, 6, 0)]
        found = make_detections(worse, [0, 1], names=names)
        scene.append(
            (
                make_detections([person, chair], [0, 1], names=names),
                found[:0] if index == BLIND else found,
            )
        )
    return scene


def result_item(index: int, found: Detections, topic: str) -> Item:
    """Return recorded results."""
    return truth_item(index, found, topic)


def write_scene(folder: Path, names: tuple[str, ...] = CLASS_NAMES) -> Path:
    """Write images, ``/camera/truth``, and results ``/good`` and ``/bad``."""
    rgb = make_rgb()
    items = []
    for index, (truth, worse) in enumerate(make_scene(names)):
        items += [
            image_item(index, rgb),
            truth_item(index, truth),
            result_item(index, truth, '/good'),
            result_item(index, worse, '/bad'),
        ]
    return write_bag(folder, items)


def compare(bag: Path, report: Path) -> int:
    """Compare both results with the command, and return its status."""
    sources = [f'{bag}#/good', f'{bag}#/bad']
    words = ['--truth', '/camera/truth', '--topic', '/camera/image', '--resamples', '50']
    return main(['bag', 'compare', str(bag), *sources, *words, '--report', str(report)])
