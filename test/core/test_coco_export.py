"""Detections as a data set that pycocotools reads."""

from __future__ import annotations

import json

import numpy as np
from pycocotools.coco import COCO

from yolact_core.config import class_set
from yolact_core.dataset.coco_export import CocoExport


def test_masks_boxes_and_areas_come_back(make_detections, tmp_path):
    masks = np.random.default_rng(0).random((3, 20, 30)) > 0.7
    masks[2] = False
    export = CocoExport(('person', 'chair', 'cup'), 'tiny')
    export.add('empty.jpg', make_detections(masks[:0]))
    export.add('some.jpg', make_detections(masks), frame=4)
    path = tmp_path / 'detections.json'
    path.write_text(json.dumps(export.to_mapping()))

    coco = COCO(path)

    assert coco.imgs[1] == {'id': 1, 'file_name': 'empty.jpg', 'height': 20, 'width': 30}
    assert coco.imgs[2]['frame'] == 4
    assert coco.getAnnIds(imgIds=[1]) == []
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[2]))
    np.testing.assert_array_equal([coco.annToMask(entry) for entry in annotations], masks)
    assert [entry['area'] for entry in annotations] == masks.sum(axis=(1, 2)).tolist()
    assert [entry['category_id'] for entry in annotations] == [1, 2, 3]
    assert [entry['label'] for entry in annotations] == [1, 2, 3]
    assert len({entry['id'] for entry in annotations}) == 3
    assert annotations[0]['bbox'] == [0, 0, 30, 20]


def test_coco_classes_have_the_ids_that_coco_gives_them():
    export = CocoExport(tuple(class_set('coco').values()), 'yolact_base')
    categories = {entry['name']: entry['id'] for entry in export.to_mapping()['categories']}
    assert (categories['person'], categories['toothbrush']) == (1, 90)


def test_an_export_of_nothing_is_whole_too():
    export = CocoExport(('person',), 'tiny')
    assert len(export) == 0
    assert set(export.to_mapping()) == {'info', 'images', 'categories', 'annotations'}
