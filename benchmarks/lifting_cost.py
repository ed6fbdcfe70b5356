"""What lifting masks into space costs, against a plain implementation on images of full size.

Run with ``make bench``. Twenty objects of all sizes stand in a room; depth is in millimetres and a
fifth of it is missing.
"""

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core import Detections, InstanceMasks
from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.lifting import Calibration, DepthImage, Rays, lift

SIZE = (720, 1280)
COUNT = 20
UP = np.array([0.0, -0.8, -0.6])
SHARES = (2, 98)  # percentiles at which a plain box ends


def make_scene() -> tuple[Detections, DepthImage, Rays]:
    """Make ellipses and rectangles in front of a wall, of 4 % to 50 % of its sides."""
    random = np.random.default_rng(1)
    depth = np.full(SIZE, 4000, dtype=np.uint16)
    crops = []
    for index in range(COUNT):
        height, width = (int(side * 2 ** random.uniform(-4.6, -1)) for side in SIZE)
        x, y = random.integers(0, SIZE[1] - width), random.integers(0, SIZE[0] - height)
        mask = np.zeros((height, width), dtype=np.uint8)
        centre, axes = (width // 2, height // 2), (width // 2, height // 2)
        if index % 2:
            mask[:] = 1
        else:
            cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
        slope = np.add.outer(np.arange(height), 2 * np.arange(width))
        window = depth[y : y + height, x : x + width]
        window[mask > 0] = (random.integers(800, 3000) + slope)[mask > 0]
        crops.append((mask > 0, (int(x), int(y))))
    depth[random.random(SIZE) < 0.2] = 0
    matrix = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
    rays = Calibration(SIZE, matrix, np.zeros(0), '').rays(is_rectified=False)
    return as_detections(InstanceMasks.from_crops(crops, SIZE)), DepthImage(depth, 0.001), rays


def as_detections(masks: InstanceMasks) -> Detections:
    """Return detections with these masks."""
    scores = np.ones(len(masks), dtype=np.float32)
    return Detections(
        boxes=masks.boxes(),
        scores=scores,
        mask_scores=scores,
        class_ids=np.zeros(len(masks), dtype=np.int64),
        coefficients=np.zeros((len(masks), 0), dtype=np.float32),
        masks=masks,
        all_class_names=('thing',),
    )


def lift_plainly(
    detections: Detections, depth: DepthImage, rays: Rays
) -> list[npt.NDArray[np.float32]]:
    """Return centroid, nearest point and ends of an upright box, by a cloud of the whole image."""
    metres = depth.values.astype(np.float32) * depth.metres_per_unit
    cloud = np.dstack([rays.table * metres[..., None], metres])
    across = np.cross(UP, [0, 0, 1.0])
    axes = np.stack([np.cross(across, UP), across, UP]).astype(np.float32)
    found = []
    for mask in detections.masks.dense():
        core = cv2.erode(mask.view(np.uint8), np.ones((5, 5), np.uint8)).view(np.bool_)
        points = cloud[core & (metres > 0)]
        middle = np.median(points[:, 2])
        spread = np.median(np.abs(points[:, 2] - middle))
        points = points[np.abs(points[:, 2] - middle) <= 5 * spread]
        nearest = points[np.linalg.norm(points, axis=1).argmin()]
        level = points @ axes.T
        cv2.minAreaRect(np.ascontiguousarray(level[:, :2]))
        ends = np.percentile(level, SHARES, axis=0)
        found.append(np.concatenate([points.mean(axis=0)[None], nearest[None], ends]))
    return found


def main() -> None:
    """Time both, one after the other, and print the medians."""
    detections, depth, rays = make_scene()
    median = time_interleaved(
        {
            'plain': lambda: lift_plainly(detections, depth, rays),
            'ours': lambda: lift(detections, depth, rays, up=UP),
        },
        rounds=15,
    )
    print(f'lifting {COUNT} objects at {SIZE[1]}x{SIZE[0]} (median ms)')
    print(f'{"plain":>10}{"ours":>10}{"faster":>10}')
    print(
        f'{median["plain"] * 1e3:>10.1f}{median["ours"] * 1e3:>10.1f}'
        f'{median["plain"] / median["ours"]:>9.1f}x'
    )


if __name__ == '__main__':
    main()
