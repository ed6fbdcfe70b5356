"""Detections as COCO annotations: a data set of their own, or completing one.

Annotation tools and pycocotools load both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from yolact_core import __version__
from yolact_core.config import category_ids
from yolact_core.dataset.annotations import corners_to_xywh
from yolact_core.detections import Detections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yolact_core.dataset import CocoDataset, Sample
    from yolact_core.dataset.records import Record
    from yolact_core.detector import Detector
    from yolact_core.lifting import Objects
    from yolact_core.tracking import Tracks

IN_SPACE = ('depth', 'centroid', 'nearest', 'pose', 'size', 'valid_share')
DIGITS = 4  # of metres
MOST_COVERED = 0.5  # of a found mask by annotated objects; more, and it is one of these


class CocoExport:
    """Collects the detections of many images.

    Args:
        class_names: Names of all classes that the network knows.
        model: Name of the model, for people who read the file.
    """

    def __init__(self, class_names: tuple[str, ...], model: str) -> None:
        self._category_ids = category_ids(class_names)
        self._class_names = class_names
        self._info = {
            'description': f'instances found by {model}',
            'version': __version__,
            'orientation': 'upright',  # as pictures are read
        }
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._images)

    def add(
        self,
        name: str,
        detections: Detections,
        tracks: Tracks | None = None,
        objects: Objects | None = None,
        **facts: Any,  # noqa: ANN401
    ) -> None:
        """Add one image.

        Args:
            name: Name of the image, different from all others.
            detections: What was found in the image.
            tracks: Tracks of the detections, written as ``track_id``; null without one.
            objects: Objects that the detections are in space, written as ``depth``, ``centroid``
                and so on; null where the depth is not known.
            facts: Further keys of the image's record, such as the number of a video's frame.
        """
        height, width = detections.size
        image_id = len(self._images) + 1
        self._images.append(
            {'id': image_id, 'file_name': name, 'height': height, 'width': width, **facts}
        )
        first_id = len(self._annotations) + 1
        in_space = [{}] * len(detections) if objects is None else _describe(objects, detections)
        self._annotations.extend(
            {
                'id': first_id + index,
                'image_id': image_id,
                'category_id': self._category_ids[class_id],
                'score': round(score, 6),
                'bbox': [round(value, 3) for value in box],
                'area': area,
                'segmentation': rle,
                'iscrowd': 0,
                'label': index + 1,
                **({} if tracks is None else {'track_id': int(tracks.ids[index] or 0) or None}),
                **in_space[index],
            }
            for index, (class_id, score, box, area, rle) in enumerate(
                zip(
                    detections.class_ids.tolist(),
                    detections.scores.tolist(),
                    corners_to_xywh(detections.boxes).tolist(),
                    detections.masks.areas().tolist(),
                    detections.masks.coco_rles(),
                    strict=True,
                )
            )
        )

    def list_objects(self) -> list[dict[str, Any]]:
        """Return class, label, score and place of each annotation that has depth behind it."""
        names = dict(zip(self._category_ids, self._class_names, strict=True))
        return [
            {
                'class': names[annotation['category_id']],
                **{key: annotation[key] for key in ('label', 'score', *IN_SPACE)},
            }
            for annotation in self._annotations
            if 'depth' in annotation
        ]

    def to_mapping(self) -> dict[str, Any]:
        """Return the data set: ``info``, ``images``, ``categories`` and ``annotations``.

        An annotation's ``label`` is its value in the label image; its ``area`` is the mask's.
        """
        return {
            'info': self._info,
            'images': self._images,
            'categories': [
                {'id': category_id, 'name': name}
                for category_id, name in zip(self._category_ids, self._class_names, strict=True)
            ],
            'annotations': self._annotations,
        }


def _describe(objects: Objects, detections: Detections) -> list[dict[str, Any]]:
    """Return where each detection is in space, in metres; null where that is not known."""
    described = [dict.fromkeys(IN_SPACE)] * len(detections)
    rows = zip(
        objects.indices.tolist(),
        objects.depths.round(DIGITS).tolist(),
        objects.centroids.round(DIGITS).tolist(),
        objects.nearest.round(DIGITS).tolist(),
        objects.centres.round(DIGITS).tolist(),
        objects.orientations.round(DIGITS).tolist(),
        objects.sizes.round(DIGITS).tolist(),
        objects.valid_shares.round(DIGITS).tolist(),
        strict=True,
    )
    for index, depth, centroid, nearest, centre, orientation, size, valid_share in rows:
        pose = {'position': centre, 'orientation': orientation}
        values = (depth, centroid, nearest, pose, size, valid_share)
        described[index] = dict(zip(IN_SPACE, values, strict=True))
    return described


def add_pseudo_labels(
    detector: Detector,
    dataset: CocoDataset,
    content: dict[str, Any],
    least_score: float,
    on_image: Callable[[], None] | None = None,
) -> dict[str, Any]:
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
    info = content.get('info')
    return {
        **content,
        'info': {**(info if isinstance(info, dict) else {}), 'orientation': dataset.orientation},
        'annotations': annotations,
        'categories': [{'id': id_of[name], 'name': name} for name in names],
    }


def _select_new(detections: Detections, sample: Sample, annotated: tuple[str, ...]) -> Detections:
    """Leave out classes that are annotated, and what lies on annotated objects."""
    known = sample.masks.union()
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
