"""How sure average precision is."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from guesses import CLASSES, make_images

from yolact_core import InputError
from yolact_core.evaluation import EvaluationOptions, evaluate_detections
from yolact_core.evaluation.bootstrap import Interval, draw_weights, interval_of
from yolact_core.evaluation.matches import match_image
from yolact_core.evaluation.precision import (
    PrecisionIntervals,
    coco_precision,
    precision_intervals,
    precision_of_matches,
)
from yolact_core.evaluation.weighted import WeightedPrecision, mean_of_defined

NAMES = ('a', 'b', 'c', 'd')[:CLASSES]
KINDS = ('bbox', 'segm')


def match(count, seed, kind='segm'):
    return [match_image(*one, kind) for one in zip(*make_images(count, seed), strict=True)]


def shaken(results, seed):
    """Return results in which no two scores are the same, as the order of these is left open."""
    random = np.random.default_rng(seed)
    shaken = [one.scores + random.random(len(one.scores)) / 1000 for one in results]
    return [
        replace(one, scores=scores, mask_scores=scores)
        for one, scores in zip(results, shaken, strict=True)
    ]


def figures(found):
    """Return the figures of average precision that intervals are given for, (5 + 2 C,)."""
    parts = (found.ap, found.ap50, found.ap75, found.ap95)
    return [*parts, *found.by_class.values(), *found.ap50_by_class.values()]


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('seed', range(4))
def test_weighted_precision_is_that_of_pycocotools_on_repeated_images(kind, seed, monkeypatch):
    monkeypatch.setattr('yolact_core.evaluation.weighted.MOST_VALUES', 40)
    truths, results = make_images(25, seed)
    results = shaken(results, seed)
    matches = [match_image(*one, kind) for one in zip(truths, results, strict=True)]
    draws = np.stack([np.ones(25), *draw_weights(25, 5, 4, seed=1)])
    precision = WeightedPrecision(matches, CLASSES)
    tables = precision.by_class(draws)
    for weights, table in zip(draws, tables, strict=True):
        drawn = np.repeat(np.arange(25), weights.astype(int))
        wanted = coco_precision(
            [truths[one] for one in drawn], [results[one] for one in drawn], NAMES, kind
        )
        assert 100 * precision(weights) == pytest.approx(wanted.ap, abs=1e-9)
        by_iou = 100 * mean_of_defined(table, axis=(0,))
        assert by_iou.tolist() == pytest.approx(wanted.by_iou, abs=1e-9)
        for row, percent in zip(table, wanted.by_class.values(), strict=True):
            if percent is None:
                assert np.isnan(row).all()
            else:
                assert 100 * row.mean() == pytest.approx(percent, abs=1e-9)


@pytest.mark.parametrize('kind', KINDS)
def test_drawing_each_image_once_gives_the_figures_themselves(kind, monkeypatch):
    """All of them, so that none is resampled by other rules than it is computed."""
    matches = match(30, 2, kind)
    monkeypatch.setattr(
        'yolact_core.evaluation.precision.draw_weights',
        lambda images, resamples, seed: np.ones((resamples, images)),
    )
    found = precision_intervals(matches, NAMES, 3)
    for value, interval in zip(
        figures(precision_of_matches(matches, NAMES, kind)), figures(found), strict=True
    ):
        if value is None:
            assert interval is None
        else:
            assert (interval.low, interval.high) == pytest.approx((value, value), abs=1e-9)


def test_intervals_are_always_the_same_and_hold_the_figure():
    truths, results = make_images(30, 2)
    found = evaluate_detections(truths, results, NAMES, resamples=200)
    assert found == evaluate_detections(truths, results, NAMES, resamples=200)
    plain = evaluate_detections(truths, results, NAMES)
    assert plain.box.intervals is None
    assert figures(plain.mask) == figures(found.mask)
    for part in (found.box, found.mask):
        for value, interval in zip(figures(part), figures(part.intervals), strict=True):
            assert (value is None) == (interval is None)
            assert value is None or interval.low <= value <= interval.high
    assert found.mask.intervals != precision_intervals(match(30, 2), NAMES, 200, seed=1)


def test_more_images_make_intervals_narrower():
    few, many = (precision_intervals(match(count, 7), NAMES, 300).ap50 for count in (20, 320))
    ratio = (few.high - few.low) / (many.high - many.low)
    assert 2.5 < ratio < 6.5  # the root of 16


def test_objects_of_a_single_image_have_no_interval():
    matches = match(20, 3)
    with_b = [one for one in matches if 1 in one and one[1].objects[0]]
    without = [one for one in matches if not (1 in one and one[1].objects[0])]
    found = precision_intervals([*without, with_b[0]], NAMES, 20)
    assert found.by_class['b'] is found.ap50_by_class['b'] is None
    assert found.ap50_by_class['a'] is not None
    assert precision_intervals([with_b[0], {}, {}], NAMES, 20) == PrecisionIntervals()
    assert precision_intervals([], NAMES, 20) == PrecisionIntervals()


def test_resamples_in_which_a_figure_is_not_defined_are_left_out():
    assert interval_of([np.nan, 2.0, 2.0]) == Interval(2.0, 2.0)
    assert interval_of([np.nan]) is None
    low, high = interval_of(np.arange(1001)).low, interval_of(np.arange(1001)).high
    assert (low, high) == pytest.approx((25, 975))


def test_images_are_drawn_in_blocks_and_always_the_same():
    one, two = (list(draw_weights(100, 20, 10, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert {weights.sum() for weights in one} == {100}
    changes = [np.count_nonzero(np.diff(weights)) for weights in one]
    assert max(changes) <= 20
    assert np.mean(one) == 1
    assert not np.array_equal(one, list(draw_weights(100, 20, 10, seed=4)))


def test_images_are_drawn_with_replacement():
    counts = np.concatenate(list(draw_weights(1000, 50)))
    shares = np.bincount(counts.astype(int))[:4] / len(counts)
    assert shares == pytest.approx([0.368, 0.368, 0.184, 0.061], abs=0.01)  # Poisson


def test_the_rules_of_the_original_know_no_intervals():
    with pytest.raises(InputError, match='resamples must be 0 for original, got 5'):
        EvaluationOptions('original', resamples=5)
    with pytest.raises(InputError, match='resamples must be at least 0, got -1'):
        EvaluationOptions(resamples=-1)
