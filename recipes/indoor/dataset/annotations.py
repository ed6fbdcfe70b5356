"""What a rendered frame shows as COCO annotations, and annotations as detections."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from recipes.indoor.rooms.camera import Camera
from recipes.indoor.rooms.scene import BACKGROUND, Scene
from yolact_core.dataset.annotations import read_json, xywh_to_corners
from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks

Annotation = dict[str, Any]  # as COCO has it, here with the number of its ``instance``


@dataclass(frozen=True)
class AnnotatedImage:
    """One image of a COCO file.

    Attributes:
        name: File name.
        size: Height and width in pixels.
        annotations: Annotations of the objects in it.
    """

    name: str
    size: tuple[int, int]
    annotations: list[Annotation]


MIN_AREA = 60  # px, smaller instances are crowd: nobody is asked to find them
NEGLIGIBLE_AREA = 12  # px, smaller ones are not annotated
MIN_VISIBLE = 0.07  # of the convex outline inside the image; less visible ones are crowd


def annotate_view(
    instances: NDArray[np.int32], camera: Camera, scene: Scene, class_names: list[str]
) -> list[Annotation]:
    """Return the annotations of all labelled instances in a view.

    Args:
        instances: Index of the placement seen at each pixel, shape (H, W).
        camera: The camera of the view.
        scene: The scene that it looks at.
        class_names: Names of all classes, in class order.
    """
    annotations = []
    for index in np.unique(instances[instances != BACKGROUND]).tolist():
        label = scene.furnished.placements[index].info.label
        if label is None:
            continue
        mask = instances == index
        outline = camera.project(scene.outline_points(index), *instances.shape)
        share = visible_share(mask, outline)
        annotation = annotate(mask, class_names.index(label) + 1, share)
        if annotation:
            annotations.append({**annotation, 'instance': index})
    return annotations


def visible_share(mask: NDArray[np.bool_], outline: NDArray[np.float64]) -> float:
    """Return the visible share of an object's convex outline inside the image.

    The convex outline covers more than the object itself, so that a whole chair, with the gaps
    between its legs, has a share of about a half.

    Args:
        mask: Where the object is seen, shape (H, W).
        outline: Pixels of some points of its whole surface, hidden or not, shape (N, 2).
    """
    if len(outline) < 3:
        return 1.0
    height, width = mask.shape
    hull = cv2.convexHull(np.clip(outline, -1e5, 1e5).astype(np.float32))
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    area, _ = cv2.intersectConvexConvex(hull, frame)
    return float(mask.sum() / max(area, 1.0))


def annotate(mask: NDArray[np.bool_], category_id: int, share: float) -> Annotation | None:
    """Return the annotation of one instance, without ids, or None if it is negligible.

    Instances that are too small or too hidden become crowd, which training and evaluation
    ignore: neither finding nor missing them counts.

    Args:
        mask: Where the object is seen, shape (H, W).
        category_id: Number of its category, from 1.
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
    found = (image for one in sorted(shards) for image in json.loads(one.read_text())['images'])
    return write_coco(found, class_names, output)


def write_coco(
    found: Iterable[dict[str, Any]], class_names: list[str], output: Path
) -> tuple[int, int]:
    """Write images that hold their own ``annotations`` as a COCO file.

    Args:
        found: Images with size, ``file_name`` and ``annotations``; none of these has an id yet.
        class_names: Category names; ids count from 1.
        output: The file to write.

    Returns:
        Number of images and of annotations.
    """
    images: list[dict[str, Any]] = []
    annotations: list[Annotation] = []
    for image_id, image in enumerate(found, start=1):
        for annotation in image['annotations']:
            ids = {'id': len(annotations) + 1, 'image_id': image_id}
            annotations.append({**ids, **annotation})
        fields = {key: value for key, value in image.items() if key != 'annotations'}
        images.append({'id': image_id, **fields})
    categories = [{'id': index, 'name': name} for index, name in enumerate(class_names, start=1)]
    content = {'images': images, 'annotations': annotations, 'categories': categories}
    output.write_text(json.dumps(content))
    return len(images), len(annotations)


def read_coco(path: Path) -> tuple[list[AnnotatedImage], tuple[str, ...]]:
    """Return the images of a COCO file with their annotations, and the names of its classes."""
    content = read_json(path)
    by_image = defaultdict(list)
    for annotation in content['annotations']:
        by_image[annotation['image_id']].append(annotation)
    images = [
        AnnotatedImage(
            image['file_name'], (image['height'], image['width']), by_image[image['id']]
        )
        for image in content['images']
    ]
    return images, tuple(category['name'] for category in content['categories'])


def to_detections(
    annotations: list[Annotation], size: tuple[int, int], class_names: tuple[str, ...]
) -> Detections:
    """Return annotations as a perfect detector would find them, with score 0 for crowds.

    Args:
        annotations: Annotations of one image.
        size: Height and width of the image in pixels.
        class_names: Names of all classes, in class order.
    """
    masks = [coco_mask.decode(one['segmentation']).astype(bool) for one in annotations]
    boxes = np.array([one['bbox'] for one in annotations], np.float32).reshape(-1, 4)
    scores = np.array([1 - one['iscrowd'] for one in annotations], np.float32)
    return Detections(
        boxes=xywh_to_corners(boxes),
        scores=scores,
        mask_scores=scores,
        class_ids=np.array([one['category_id'] - 1 for one in annotations], np.int64),
        coefficients=np.zeros((len(masks), 0), np.float32),
        masks=InstanceMasks.from_dense(masks, size),
        all_class_names=class_names,
    )
