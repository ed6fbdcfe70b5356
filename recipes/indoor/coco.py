"""Turn instance maps into COCO annotations, and shards into one annotation file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

MIN_AREA = 60  # px, smaller instances are crowd: nobody is asked to find them
NEGLIGIBLE_AREA = 12  # px, smaller ones are not annotated
MIN_VISIBLE = 0.07  # of the convex outline inside the image; less visible ones are crowd


def visible_share(mask: NDArray[np.bool_], outline: NDArray[np.float64]) -> float:
    """Return the visible share of an object's convex outline inside the image.

    The convex outline covers more than the object itself, so that a whole chair, with the gaps
    between its legs, has a share of about a half.

    Args:
        mask: Where the object is seen, shape (H, W).
        outline: Pixels of points of its whole surface, hidden or not, shape (N, 2).
    """
    if len(outline) < 3:
        return 1.0
    height, width = mask.shape
    hull = cv2.convexHull(np.clip(outline, -1e5, 1e5).astype(np.float32))
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    area, _ = cv2.intersectConvexConvex(hull, frame)
    return float(mask.sum() / max(area, 1.0))


def annotate(mask: NDArray[np.bool_], category_id: int, share: float) -> dict[str, Any] | None:
    """Return the annotation of one instance, without ids, or None if it is negligible.

    Instances that are too small or too hidden become crowd, which training and evaluation
    ignore: neither finding nor missing them counts.

    Args:
        mask: Where the object is seen, shape (H, W).
        category_id: Its category, 1-based.
        share: Visible share, see :func:`visible_share`.
    """
    area = int(mask.sum())
    if area < NEGLIGIBLE_AREA:
        return None
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {
        'category_id': category_id,
        'iscrowd': int(area < MIN_AREA or share < MIN_VISIBLE),
        'area': area,
        'bbox': [float(value) for value in coco_mask.toBbox(code)],
        'segmentation': {'size': list(mask.shape), 'counts': code['counts'].decode('ascii')},
    }


def merge_shards(shards: Iterable[Path], class_names: list[str], output: Path) -> tuple[int, int]:
    """Join the images and annotations of shards into one COCO file.

    Args:
        shards: JSON files with ``images``, whose items hold their own ``annotations``.
        class_names: Category names; ids count from 1.
        output: The file to write.

    Returns:
        Number of images and of annotations.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for shard in sorted(shards):
        for image in json.loads(shard.read_text())['images']:
            image_id = len(images) + 1
            for annotation in image.pop('annotations'):
                ids = {'id': len(annotations) + 1, 'image_id': image_id}
                annotations.append({**ids, **annotation})
            images.append({'id': image_id, **image})
    categories = [{'id': index, 'name': name} for index, name in enumerate(class_names, start=1)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    output.write_text(json.dumps(content))
    return len(images), len(annotations)
