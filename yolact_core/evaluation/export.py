"""Results files as COCO's test server and other tools take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.files import replace_when_done

if TYPE_CHECKING:
    from yolact_core.dataset import CocoDataset
    from yolact_core.dataset.segmentation import Rle
    from yolact_core.evaluation.evaluation import Findings

BOX_FILE, MASK_FILE = 'boxes.json', 'masks.json'


def write_coco_results(folder: Path, findings: Findings, dataset: CocoDataset) -> None:
    """Write ``boxes.json``, with box scores, and ``masks.json``, with mask scores.

    Args:
        folder: Made if need be.
        findings: In the data set.
        dataset: Gives the ids of images and categories.
    """
    boxes: list[dict[str, Any]] = []
    masks: list[dict[str, Any]] = []
    category_of = dict(zip(dataset.class_names, dataset.category_ids, strict=True))
    for image, result in zip(findings.images, findings.results, strict=True):
        image_id = int(dataset.annotations.image_ids[image])
        for index, class_id in enumerate(result.class_ids.tolist()):
            ids = {
                'image_id': image_id,
                'category_id': category_of[findings.class_names[class_id]],
            }
            x1, y1, x2, y2 = result.boxes[index].tolist()
            box = [round(value, 1) for value in (x1, y1, x2 - x1, y2 - y1)]
            boxes.append({**ids, 'bbox': box, 'score': float(result.scores[index])})
            score = float(result.mask_scores[index])
            masks.append({**ids, 'segmentation': _to_text(result.rles[index]), 'score': score})
    for name, records in ((BOX_FILE, boxes), (MASK_FILE, masks)):
        with replace_when_done(folder / name) as unfinished:
            unfinished.write_text(json.dumps(records))


def _to_text(rle: Rle) -> Rle:
    counts = rle['counts']
    return {**rle, 'counts': counts.decode('ascii') if isinstance(counts, bytes) else counts}
