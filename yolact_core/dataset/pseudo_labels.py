"""Annotations that a model can add to a data set, so that training on it forgets nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yolact_core.dataset import CocoDataset, Sample
    from yolact_core.dataset.annotations import Record
    from yolact_core.detections import Detections
    from yolact_core.detector import Detector

MOST_COVERED = 0.5  # of a found mask by annotated objects; more, and it is one of these


def add_pseudo_labels(
    detector: Detector,
    dataset: CocoDataset,
    content: dict[str, list[Record]],
    least_score: float,
    on_image: Callable[[], None] | None = None,
) -> dict[str, list[Record]]:
    """Add what a model finds to annotations of other classes.

    The model's classes come first, in its order, so that their ids stay. What it finds above
    ``least_score`` becomes an annotation, what it finds below a crowd, which training ignores. On
    an annotated object nothing is added, nor of a class that the file has itself.

    Args:
        detector: Detector, below whose score threshold nothing is added at all.
        dataset: Images with their annotations.
        content: Content of the file of these annotations.
        least_score: Class score in (0, 1) from which something found is an annotation.
        on_image: Function that is called after each image.

    Returns:
        Content of the completed COCO file.
    """
    names = list(dict.fromkeys([*detector.class_names, *dataset.class_names]))
    id_of = {name: number for number, name in enumerate(names, start=1)}
    name_of = {category['id']: category['name'] for category in content['categories']}
    annotations = [
        {**one, 'category_id': id_of[name_of[one['category_id']]]}
        for one in content['annotations']
    ]
    number = max((one['id'] for one in annotations), default=0)
    for index in range(len(dataset)):
        sample = dataset[index]
        found = _select_new(detector(sample.image), sample, dataset.class_names)
        image_id = int(dataset.annotations.image_ids[index])
        for record in _to_records(found, least_score):
            number += 1
            category_id = id_of[record.pop('name')]
            annotations.append(
                {'id': number, 'image_id': image_id, 'category_id': category_id, **record}
            )
        if on_image:
            on_image()
    return {
        **content,
        'annotations': annotations,
        'categories': [{'id': id_of[name], 'name': name} for name in names],
    }


def _select_new(detections: Detections, sample: Sample, annotated: tuple[str, ...]) -> Detections:
    """Leave out classes that are annotated, and what lies on annotated objects."""
    known = np.any(sample.masks, axis=0)
    kept = [
        name not in annotated
        and crop.any()
        and known[y : y + crop.shape[0], x : x + crop.shape[1]][crop].mean() <= MOST_COVERED
        for name, (crop, (x, y)) in zip(detections.class_names, detections.masks, strict=True)
    ]
    return detections[np.array(kept, dtype=np.bool_)]


def _to_records(found: Detections, least_score: float) -> Iterator[Record]:
    rles, areas = found.masks.coco_rles(), found.masks.areas().tolist()
    for index, (crop, (x, y)) in enumerate(found.masks):
        yield {
            'name': found.class_names[index],
            'bbox': [x, y, crop.shape[1], crop.shape[0]],
            'area': areas[index],
            'iscrowd': int(found.scores[index] < least_score),
            'segmentation': rles[index],
        }
