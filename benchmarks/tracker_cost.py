"""What following instances costs a frame of 1280x720, and whether its memory grows.

Run with ``make bench``. The scene is made up: ellipses of many sizes move about, a tenth of them
is missing in each image, and a fifth is weak. 20 of them cover half of the image, 100 all of it,
and 1,000 twice as much.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from cpu_checks import Goal, report_goals

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import Crop, InstanceMasks
from yolact_core.tracking import Tracker

SIZE = (720, 1280)
PERIOD = 1 / 15  # seconds
SMALLEST = 0.04  # side of a box, as share of the image's height
FASTEST = 0.2  # heights of the image a second
MISSING, WEAK = 0.1, 0.2
CLASSES = 5
WARM_UP = 10  # images
SHIFT_LIMIT = 2.0  # milliseconds
SMALL, FEW, IMAGES = (48, 64), 3, 100_000  # where memory is watched
GROWTH_LIMIT = 1.0  # MiB
STATM = Path('/proc/self/statm')


class Load(NamedTuple):
    """What is followed, and how long that may take.

    Attributes:
        objects: Number of ellipses.
        largest: Longest side of a box, as share of the image's height.
        frames: Number of images, of which the first ones only warm up.
        limit: Milliseconds that an image may take.
    """

    objects: int
    largest: float
    frames: int
    limit: float


LOADS = (Load(20, 0.6, 150, 1.5), Load(100, 0.35, 150, 4.0))
MANY = Load(1000, 0.1, 30, 200.0)  # a slow frame, but no stall


def make_scene(
    count: int, frames: int, size: tuple[int, int] = SIZE, largest: float = 0.6, seed: int = 0
) -> list[Detections]:
    """Return what is found in successive images of ellipses that move and bounce off the border.

    Args:
        count: Number of ellipses.
        frames: Number of images.
        size: Height and width of the images.
        largest: Longest side of a box, as share of the image's height.
        seed: Seed of all that is drawn at random.
    """
    random = np.random.default_rng(seed)
    height, width = size
    sides = np.exp(random.uniform(np.log(SMALLEST), np.log(largest), (count, 2))) * height
    room = np.array([width, height]) - sides - 2
    places, speeds = random.uniform(0, room), random.uniform(-FASTEST, FASTEST, (count, 2))
    class_ids = random.integers(0, CLASSES, count)
    scene = []
    for frame in range(frames):
        way = (places + frame * PERIOD * height * speeds) % (2 * room)
        corners = np.where(way > room, 2 * room - way, way).astype(int)
        scores = np.where(random.random(count) < WEAK, 0.2, random.uniform(0.5, 1.0, count))
        seen = np.flatnonzero(random.random(count) >= MISSING)
        best_first = seen[np.argsort(-scores[seen])]
        ellipses = [_ellipse(sides[index], corners[index]) for index in best_first]
        masks = InstanceMasks.from_crops(ellipses, size)
        scene.append(_detections(masks, scores[best_first], class_ids[best_first]))
    return scene


def _detections(
    masks: InstanceMasks, scores: npt.NDArray[np.float64], class_ids: npt.NDArray[np.int64]
) -> Detections:
    return Detections(
        boxes=masks.boxes(),
        scores=scores.astype(np.float32),
        mask_scores=scores.astype(np.float32),
        class_ids=class_ids,
        coefficients=np.zeros((len(masks), 0), np.float32),
        masks=masks,
        all_class_names=tuple(map(str, range(CLASSES))),
    )


def _ellipse(sides: npt.NDArray[np.float64], corner: npt.NDArray[np.int64]) -> Crop:
    width, height = (max(1, round(side)) for side in sides.tolist())
    x, y = np.ogrid[-1 + 1 / width : 1 : 2 / width, -1 + 1 / height : 1 : 2 / height]
    return (x.T**2 + y.T**2 <= 1), (int(corner[0]), int(corner[1]))


def measure(load: Load) -> tuple[float, float]:
    """Return the median milliseconds of an image, without and with the shift of the camera."""
    random = np.random.default_rng(0)
    wall = random.integers(0, 255, (SIZE[0] // 8, SIZE[1] // 4, 3), dtype=np.uint8)
    wall = wall.repeat(8, axis=0).repeat(8, axis=1)
    without, with_shift = Tracker(), Tracker()
    samples: list[tuple[float, float]] = []
    scene = make_scene(load.objects, load.frames, largest=load.largest)
    for frame, detections in enumerate(scene):
        left = 4 * frame % SIZE[1]
        rgb = np.ascontiguousarray(wall[:, left : left + SIZE[1]])
        start = time.perf_counter()
        without.update(detections, frame * PERIOD)
        middle = time.perf_counter()
        with_shift.update(detections, frame * PERIOD, rgb)
        samples.append((middle - start, time.perf_counter() - middle))
    medians = [1000 * statistics.median(times[WARM_UP:]) for times in zip(*samples, strict=True)]
    return medians[0], medians[1]


def memory_growth(images: int) -> float | None:
    """Return the MiB by which this process grows while small images are followed (Linux).

    Tracks begin and are lost all the time.

    Args:
        images: Number of images; growth counts after the first tenth of them.
    """
    if not STATM.is_file():
        return None
    scene, tracker, before = make_scene(FEW, 200, SMALL), Tracker(), 0.0
    rgb = np.random.default_rng(0).integers(0, 255, (*SMALL, 3), dtype=np.uint8)
    for image in range(images):
        if image == images // 10:
            before = _resident()
        tracker.update(scene[image % len(scene)], image * PERIOD, rgb)
    return _resident() - before


def check(images: int) -> list[Goal]:
    """Measure all, and return goals and figures.

    Args:
        images: Number of images over which memory is watched.
    """
    goals = []
    for load in LOADS:
        without, with_shift = measure(load)
        shift = f'shift of the camera, beside {load.objects}'
        goals += [_goal(f'{load.objects} objects', without, load.limit)]
        goals += [_goal(shift, with_shift - without, SHIFT_LIMIT)]
    goals += [_goal(f'{MANY.objects:,} objects', measure(MANY)[0], MANY.limit)]
    growth = memory_growth(images)
    found, is_met = 'not measured', None
    if growth is not None:
        found, is_met = f'{growth:.2f} MiB', growth < GROWTH_LIMIT
    subject = f'memory, images {images // 10:,} to {images:,}'
    return [*goals, Goal(subject, f'grows < {GROWTH_LIMIT:.0f} MiB', found, is_met)]


def _goal(subject: str, milliseconds: float, limit: float) -> Goal:
    found = f'{milliseconds:.2f} ms'
    return Goal(subject, f'< {limit:g} ms', found, milliseconds < limit)


def _resident() -> float:
    """Return the MiB of memory that this process holds."""
    pages = int(STATM.read_text(encoding='ascii').split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=int, default=IMAGES, help='over which memory is watched')
    arguments = parser.parse_args()
    cv2.setNumThreads(2)
    report_goals(check(arguments.images))
