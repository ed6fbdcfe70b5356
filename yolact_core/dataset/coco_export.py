"""Detections as a data set in COCO's style, which annotation tools and pycocotools load."""

from __future__ import annotations

from typing import Any

from yolact_core import __version__
from yolact_core.config import category_ids
from yolact_core.dataset.annotations import corners_to_xywh
from yolact_core.detections import Detections


class CocoExport:
    """Collects the detections of many images.

    Args:
        class_names: Names of all classes that the network knows.
        model: Name of the model, for people who read the file.
    """

    def __init__(self, class_names: tuple[str, ...], model: str) -> None:
        self._category_ids = category_ids(class_names)
        self._class_names = class_names
        self._info = {'description': f'instances found by {model}', 'version': __version__}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._images)

    def add(self, name: str, detections: Detections, **facts: Any) -> None:  # noqa: ANN401
        """Add one image.

        Args:
            name: Name of the image, different from all others.
            detections: What was found in the image.
            facts: Further keys of the image's record, such as the number of a video's frame.
        """
        height, width = detections.size
        image_id = len(self._images) + 1
        self._images.append(
            {'id': image_id, 'file_name': name, 'height': height, 'width': width, **facts}
        )
        first_id = len(self._annotations) + 1
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
