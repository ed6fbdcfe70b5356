"""Measure lifting against what is truly visible: rendered objects, and the room of the tests.

Depth is spoilt as cameras do it: a fifth of it is missing, in holes, and pixels at rims fly
between object and background. The truth is the surface without these faults.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recipes.lifting.findings import Finding, find, to_detections
from recipes.lifting.room_path import render_room
from recipes.lifting.spoiling import spoil
from recipes.lifting.views import CUBE, DISTANCES, View, render_views
from yolact_core.cli.options import option
from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.lifting import DepthImage
from yolact_core.terminal import say

SAME = 0.5  # mask IoU from which on a detection is of an object
COLUMNS = (
    'distance', 'objects', 'centroid, median', '95 %', 'within 2 cm or 2 %',
    'box IoU, median', '10 %', 'with the whole object, median',
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``lifting``."""

    assets: Path = option('pack made by the step assets', required=True)
    model: str = option('model whose masks are lifted, too', 'indoor')
    every: int = option('distance in images of the moments of the path', 5)
    seed: int = option('seed of objects and faults', 0)


def run(options: Options) -> None:
    """Print tables of figures by distance."""
    random = np.random.default_rng(options.seed)
    singles = [one for view in render_views(random) for one in find_true(view, random)]
    report('Single objects, true masks', (one for one in singles if one.kind != CUBE))
    report_cubes(one for one in singles if one.kind == CUBE)
    detector = Detector.load(options.model)
    true: list[Finding] = []
    detected: list[Finding] = []
    for view, rgb in render_room(options.assets, options.every):
        true += find_true(view, random)
        detected += find_detected(view, detector(rgb), random)
    report('Room path, true masks', true)
    report(f'Room path, masks of {options.model} with a mask IoU of {SAME} or more', detected)


def find_true(view: View, random: Generator) -> list[Finding]:
    """Lift the true masks of a view from spoilt depth."""
    return find(view, measure_depth(view, random), to_detections(view.masks), range(len(view)))


def find_detected(view: View, detections: Detections, random: Generator) -> list[Finding]:
    """Lift what was found in a view, as far as it is of an object, from spoilt depth."""
    pairs = match(view.masks, detections.masks.dense())
    rows, indices = [row for row, _ in pairs], [index for _, index in pairs]
    return find(view, measure_depth(view, random), detections[rows], indices)


def measure_depth(view: View, random: Generator) -> DepthImage:
    """Return depth as a camera might measure it in a view."""
    return DepthImage(spoil(view.surface[..., 2], view.masks, random), 0.001)


def match(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the found mask that each true one agrees with best, if it agrees, and the true one.

    Args:
        true: True masks, shape (N, H, W).
        found: Masks of detections, shape (M, H, W).
    """
    both = np.einsum('nhw,mhw->nm', true.astype(np.float32), found.astype(np.float32))
    iou = both / (true.sum(axis=(1, 2))[:, None] + found.sum(axis=(1, 2)) - both)
    return [
        (int(row.argmax()), index) for index, row in enumerate(iou) if row.max(initial=0) > SAME
    ]


def report(title: str, findings: Iterable[Finding]) -> None:
    """Print a table, a row for each distance, as Markdown."""
    rows = defaultdict(list)
    for one in findings:
        rows[min(DISTANCES, key=lambda distance: abs(distance - one.distance))].append(one)
    say(f'\n{title}\n\n| {" | ".join(COLUMNS)} |\n|{"---|" * len(COLUMNS)}')
    for distance, found in sorted(rows.items()):
        say(to_row(f'{distance:g} m', found))
    say(to_row('all', [one for found in rows.values() for one in found]))


def to_row(name: str, found: list[Finding]) -> str:
    """Return a row of a table of figures."""
    errors = np.array([one.error for one in found])
    boxes = np.array([one.iou for one in found])
    cells = (
        name,
        f'{len(found)}',
        f'{100 * np.median(errors):.1f} cm',
        f'{100 * np.quantile(errors, 0.95):.1f} cm',
        f'{np.mean([one.error <= one.tolerance for one in found]):.1%}',
        f'{np.median(boxes):.2f}',
        f'{np.quantile(boxes, 0.1):.2f}',
        f'{np.median([one.whole_iou for one in found]):.2f}',
    )
    return f'| {" | ".join(cells)} |'


def report_cubes(cubes: Iterable[Finding]) -> None:
    """Print how well cubes that show an edge keep their size."""
    errors = [one.size_error for one in cubes]
    say(
        f'\nSides of {len(errors)} cubes at 45 degrees: off by {np.median(errors):.1%} (median), '
        f'{max(errors):.1%} at most'
    )
