"""Annotations of the indoor classes under COCO's names, to measure a model that knows COCO's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.nanodet.weights import CONFIG
from yolact_core.cli.options import argument
from yolact_core.config import ModelConfig, category_ids
from yolact_core.dataset.annotations import read_json
from yolact_core.files import replace_when_done
from yolact_core.terminal import say

RENAMED = {'sofa': 'couch', 'table': 'dining table', 'plant': 'potted plant', 'screen': 'tv'}
SAME = ('chair', 'bed', 'person', 'laptop', 'bottle', 'cup', 'bowl', 'vase', 'sink')
COCO_NAMES = {**RENAMED, **{name: name for name in SAME}}
"""What COCO calls each indoor class that it has.

It has no cabinets, shelves, doors, lamps, boxes and bins. An appliance may be any of four of its
classes or, as a washing machine, none: which one the annotations do not tell.
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``relabel``."""

    annotations: Path = argument('annotations of indoor classes')
    output: Path = argument('annotation file to write')


def run(options: Options) -> None:
    """Write annotations of indoor classes under COCO's names; what COCO does not know is left out.

    Classes that only COCO has, such as books, are not annotated: they take no part when
    ``yolact evaluate`` measures a model on the file, as they are not among its categories.
    """
    content = relabel(read_json(options.annotations))
    with replace_when_done(options.output) as unfinished:
        unfinished.write_text(json.dumps(content))
    say(f'{len(content["annotations"])} objects and regions to ignore: {options.output}')


def relabel(content: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return annotations of all images, with the categories and the ids of COCO.

    Args:
        content: What a COCO-format file with indoor classes holds.

    Raises:
        SystemExit: None of its categories is an indoor class that COCO has.
    """
    class_names = ModelConfig.from_name(CONFIG).class_names
    id_of = dict(zip(class_names, category_ids(class_names), strict=True))
    new_id = {
        category['id']: id_of[COCO_NAMES[category['name']]]
        for category in content['categories']
        if category['name'] in COCO_NAMES
    }
    if not new_id:
        found = ', '.join(category['name'] for category in content['categories'])
        raise SystemExit(f'a category must be one of {", ".join(COCO_NAMES)}, got {found}')
    annotations = [
        {**annotation, 'category_id': new_id[annotation['category_id']]}
        for annotation in content['annotations']
        if annotation['category_id'] in new_id
    ]
    known = set(new_id.values())
    categories = [{'id': key, 'name': name} for name, key in id_of.items() if key in known]
    return {**content, 'annotations': annotations, 'categories': categories}
