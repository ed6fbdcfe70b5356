"""Matching image by image gives what pycocotools gives on all images at once."""

import contextlib
import io

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from guesses import CLASSES, SIZE, make_images, make_rles
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from yolact_core.evaluation.matches import accumulate, match_image
from yolact_core.evaluation.results import ImageResult, ImageTruth


def to_coco(records):
    coco = COCO()
    coco.dataset = {
        'images': [
            {'id': one, 'height': SIZE[0], 'width': SIZE[1]} for one in range(1, len(records) + 1)
        ],
        'categories': [{'id': one} for one in range(1, CLASSES + 1)],
        'annotations': [],
    }
    for image, of_image in enumerate(records, start=1):
        for record in of_image:
            number = len(coco.dataset['annotations']) + 1
            coco.dataset['annotations'].append({**record, 'image_id': image, 'id': number})
    coco.createIndex()
    return coco


def describe(one, index, **more):
    x1, y1, x2, y2 = one.boxes[index].tolist()
    return {
        'category_id': int(one.class_ids[index]) + 1,
        'bbox': [x1, y1, x2 - x1, y2 - y1],
        'segmentation': one.rles[index],
        **more,
    }


def evaluate_at_once(truths, results, kind):
    """Let pycocotools look at all images together."""
    from pycocotools import mask as coco_mask

    there = [
        [
            describe(one, k, area=one.areas[k], iscrowd=int(one.is_crowd[k]))
            for k in range(len(one.class_ids))
        ]
        for one in truths
    ]
    found = []
    for one in results:
        extents = (one.boxes[:, 2:] - one.boxes[:, :2]).prod(axis=1)
        areas = extents if kind == 'bbox' else [float(coco_mask.area(rle)) for rle in one.rles]
        found.append(
            [
                describe(one, k, area=float(areas[k]), iscrowd=0, score=float(one.scores[k]))
                for k in range(len(one.class_ids))
            ]
        )
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(to_coco(there), to_coco(found), kind)
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval['precision'], evaluation.eval['recall']


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
@pytest.mark.parametrize('seed', range(4))
def test_image_by_image_is_the_same_as_all_at_once(kind, seed):
    truths, results = make_images(25, seed)
    matches = [match_image(*one, kind) for one in zip(truths, results, strict=True)]
    precision, recall = accumulate(matches, CLASSES, kind)
    wanted_precision, wanted_recall = evaluate_at_once(truths, results, kind)
    np.testing.assert_array_equal(precision, wanted_precision)
    np.testing.assert_array_equal(recall, wanted_recall)
    assert (precision > 0).any()
    assert (precision[:, :, -1] == -1).all()


def test_an_image_with_nothing_leaves_no_matches():
    boxes, rles = make_rles([])
    none = np.zeros(0, np.int64)
    truth = ImageTruth(SIZE, boxes, none, none.astype(bool), none.astype(float), rles)
    result = ImageResult(boxes, none, none.astype(float), none.astype(float), rles)
    assert match_image(truth, result, 'segm') == {}
