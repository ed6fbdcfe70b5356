import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from yolact_core.evaluation import ImageResult, ImageTruth, evaluate_detections
from yolact_core.evaluation.original import average_precision
from yolact_core.evaluation.precision import coco_precision

NAMES = ('a', 'b', 'c', 'd')
SIZE = (96, 128)


def rles_of(masks):
    return [coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8)) for mask in masks]


@pytest.fixture(scope='module')
def numbers(golden):
    """Return the golden numbers, and their truths and results by image."""
    arrays = golden('ap')
    size = int(arrays['H']), int(arrays['W'])
    rles = {}
    for name in ('gt', 'det'):
        masks = np.unpackbits(arrays[f'{name}_masks'], axis=1).reshape(-1, *size)
        rles[name] = rles_of(masks)
    truths, results = [], []
    for image in range(40):
        rows = np.flatnonzero(arrays['gt'][:, 0] == image)
        objects, masks = arrays['gt'][rows], [rles['gt'][row] for row in rows]
        areas = np.array([coco_mask.area(mask) for mask in masks], dtype=np.float64)
        class_ids, is_crowd = objects[:, 5].astype(int), objects[:, 6] > 0
        truths.append(ImageTruth(size, objects[:, 1:5], class_ids, is_crowd, areas, masks))
        rows = np.flatnonzero(arrays['det'][:, 0] == image)
        found, masks = arrays['det'][rows], [rles['det'][row] for row in rows]
        scores = found[:, 6]
        results.append(ImageResult(found[:, 1:5], found[:, 5].astype(int), scores, scores, masks))
    return arrays, truths, results


@pytest.mark.parametrize(('kind', 'part'), [('bbox', 'box'), ('segm', 'mask')])
def test_figures_are_those_of_pycocotools(numbers, kind, part):
    arrays, truths, results = numbers
    found = getattr(evaluate_detections(truths, results, NAMES), part)
    stats = [
        None if value == -1 else 100 * value
        for value in json.loads(str(arrays['coco_stats']))[kind]
    ]
    assert [
        found.ap,
        found.ap50,
        found.ap75,
        found.small,
        found.medium,
        found.large,
        found.recall_1,
        found.recall_10,
        found.recall_100,
        found.recall_small,
        found.recall_medium,
        found.recall_large,
    ] == pytest.approx(stats)
    np.testing.assert_allclose(found.by_iou, arrays[f'coco_per_iou_{kind}'])
    assert found.ap95 == found.by_iou[-1]
    assert list(found.by_class) == list(NAMES)
    assert np.mean(list(found.by_class.values())) == pytest.approx(found.ap)


@pytest.mark.parametrize('part', ['box', 'mask'])
def test_the_original_protocol_gives_the_figures_of_the_original(numbers, part):
    arrays, truths, results = numbers
    found = getattr(evaluate_detections(truths, results, NAMES, 'original'), part)
    table = json.loads(str(arrays['orig_map']))[part]
    assert round(found.ap, 2) == table['all']
    assert [round(value, 2) for value in found.by_iou] == list(table.values())[1:]
    assert found.small is found.recall_100 is None


def test_a_single_curve_has_the_area_that_the_original_gives(numbers):
    arrays, _, _ = numbers
    scores, is_match = arrays['curve_scores'], arrays['curve_true']
    found = average_precision(scores, is_match, int(arrays['curve_gt']))
    assert found == pytest.approx(float(arrays['curve_ap']), abs=1e-12)


def truth(boxes, class_ids=None, is_crowd=None):
    """Return an image whose masks are its boxes, in whole pixels."""
    boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    count = len(boxes)
    return ImageTruth(
        size=SIZE,
        boxes=boxes,
        class_ids=np.array(class_ids or [0] * count, dtype=np.int64),
        is_crowd=np.array(is_crowd or [False] * count, dtype=np.bool_),
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        rles=rles_of(masks_of(boxes)),
    )


def result(boxes, class_ids=None, scores=None, mask_scores=None):
    boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    count = len(boxes)
    scores = np.array(scores or np.linspace(0.9, 0.1, count), dtype=np.float64)
    return ImageResult(
        boxes=boxes,
        class_ids=np.array(class_ids or [0] * count, dtype=np.int64),
        scores=scores,
        mask_scores=scores if mask_scores is None else np.array(mask_scores),
        rles=rles_of(masks_of(boxes)),
    )


def masks_of(boxes):
    masks = np.zeros((len(boxes), *SIZE), dtype=np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = 1
    return masks


BOX, OTHER = [10, 10, 50, 50], [60, 20, 100, 60]


@pytest.mark.parametrize('protocol', ['coco', 'original'])
def test_finding_everything_gives_100_percent(protocol):
    found = evaluate_detections(
        [truth([BOX, OTHER], [0, 1]), truth([])],
        [result([BOX, OTHER], [0, 1]), result([])],
        NAMES,
        protocol,
    )
    assert [found.box.ap, found.mask.ap, found.mask.ap95] == pytest.approx([100] * 3)
    assert found.box.by_class == pytest.approx({'a': 100, 'b': 100, 'c': None, 'd': None})


@pytest.mark.parametrize('protocol', ['coco', 'original'])
def test_finding_nothing_gives_0_percent(protocol):
    found = evaluate_detections([truth([BOX])], [result([])], NAMES, protocol)
    assert found.box.ap == found.mask.ap == 0


@pytest.mark.parametrize('protocol', ['coco', 'original'])
@pytest.mark.parametrize('images', [0, 1])
def test_without_objects_there_is_no_figure(protocol, images):
    found = evaluate_detections([truth([])] * images, [result([])] * images, NAMES, protocol)
    assert found.box.ap is found.mask.ap is None


@pytest.mark.parametrize('protocol', ['coco', 'original'])
def test_masks_are_ranked_by_their_own_scores(protocol):
    results = [result([BOX, OTHER], scores=[0.9, 0.8], mask_scores=[0.3, 0.8])]
    found = evaluate_detections([truth([BOX])], results, NAMES, protocol)
    assert found.box.ap == pytest.approx(100)
    assert found.mask.ap == pytest.approx(50)


@pytest.mark.parametrize('protocol', ['coco', 'original'])
def test_what_is_found_in_a_crowd_does_not_count(protocol):
    crowd = truth([OTHER, BOX], is_crowd=[True, False])
    inside = [70, 30, 80, 40]
    found = evaluate_detections([crowd], [result([inside, BOX])], NAMES, protocol)
    assert [found.box.ap, found.mask.ap] == pytest.approx([100, 100])


def test_an_object_can_be_found_once():
    results = [result([BOX, BOX, OTHER], scores=[0.9, 0.8, 0.7])]
    found = evaluate_detections([truth([BOX, OTHER])], results, NAMES, 'original')
    coco = coco_precision([truth([BOX, OTHER])], results, NAMES, 'bbox')
    assert found.box.ap == pytest.approx(coco.ap)
    assert found.box.ap < 90


def test_the_original_wants_more_than_the_threshold_and_pycocotools_as_much():
    half = [10, 10, 50, 30]
    truths, results = [truth([BOX])], [result([half])]
    assert evaluate_detections(truths, results, NAMES).box.ap50 == pytest.approx(100)
    assert evaluate_detections(truths, results, NAMES, 'original').box.ap50 == 0


def test_the_original_counts_a_class_that_is_nowhere_as_0():
    truths, results = [truth([BOX])], [result([BOX, OTHER], [0, 1])]
    assert evaluate_detections(truths, results, NAMES).box.ap == pytest.approx(100)
    assert evaluate_detections(truths, results, NAMES, 'original').box.ap == pytest.approx(50)


def test_the_original_leaves_out_slivers_and_truncates_boxes():
    width = 0.9 * 4 / 550 * SIZE[1]
    truths = [truth([BOX, [60, 20, 60 + width, 60]])]
    results = [result([[10.9, 10.9, 50.9, 50.9]])]
    found = evaluate_detections(truths, results, NAMES, 'original').box
    assert found.ap == pytest.approx(100)
    assert evaluate_detections(truths, results, NAMES).box.ap < 51


def test_pycocotools_is_silent(capsys):
    evaluate_detections([truth([BOX])], [result([BOX])], NAMES)
    assert capsys.readouterr().out == ''
