import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolact_core import InstanceMasks
from yolact_core.dataset import Sample
from yolact_core.training.augmentation.window import CROP_MODES, Window, crop, expand

WIDTH, HEIGHT = 80, 60
WHOLE = Window(0, 0, WIDTH, HEIGHT)


def make_sample(boxes, is_crowd=None):
    count = len(boxes)
    return Sample(
        image=np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8),
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        class_ids=np.zeros(count, dtype=np.int64),
        masks=InstanceMasks.from_dense(np.zeros((count, HEIGHT, WIDTH), bool), (HEIGHT, WIDTH)),
        is_crowd=np.array(is_crowd or [False] * count, dtype=np.bool_),
    )


class Script:
    """A generator that takes one crop mode and then really draws."""

    def __init__(self, mode, seed):
        self._modes = [CROP_MODES.index(mode), CROP_MODES.index(None)]
        self._generator = np.random.default_rng(seed)

    def integers(self, count):
        return self._modes.pop(0)

    def uniform(self, *arguments):
        return self._generator.uniform(*arguments)


@given(st.integers(0, 10_000))
def test_an_expansion_holds_the_image_and_is_up_to_four_times_larger(seed):
    x1, y1, x2, y2 = expand(WHOLE, np.random.default_rng(seed))
    assert x1 <= 0 <= WIDTH <= x2 + 1
    assert y1 <= 0 <= HEIGHT <= y2 + 1
    assert WIDTH <= x2 - x1 + 1 <= 4 * WIDTH + 1
    np.testing.assert_allclose((x2 - x1) / (y2 - y1), WIDTH / HEIGHT, rtol=0.03)


@given(st.integers(0, 10_000), st.booleans())
def test_a_crop_is_a_shapely_part_with_an_object(seed, is_overlap_required):
    sample = make_sample([[5, 5, 30, 30], [40, 20, 75, 55], [2, 40, 6, 44]])
    view = crop(sample, WHOLE, np.random.default_rng(seed), is_overlap_required)
    window, kept = view.window, view.kept
    assert kept.any()
    if window == WHOLE:
        assert kept.all()
        return
    width, height = window.x2 - window.x1, window.y2 - window.y1
    assert 0 <= window.x1 < window.x2 <= WIDTH
    assert 0 <= window.y1 < window.y2 <= HEIGHT
    assert width >= 0.3 * WIDTH - 1
    assert height >= 0.3 * HEIGHT - 1
    assert 0.45 <= height / width <= 2.2  # in whole pixels
    centres = (sample.boxes[:, :2] + sample.boxes[:, 2:]) / 2
    is_inside = ((centres > window[:2]) & (centres < window[2:])).all(axis=1)
    np.testing.assert_array_equal(kept, is_inside)


def iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (one, other)]
    return shared / (sum(areas) - shared)


@pytest.mark.parametrize('seed', range(20))
def test_the_overlap_that_was_drawn_holds_back_in_the_standard_recipe_only(seed):
    sample = make_sample([[0, 0, 50, 40], [60, 40, 70, 50]])

    def best_overlap(is_required):
        view = crop(sample, WHOLE, Script(0.7, seed), is_required)
        return max(iou(view.window, box) for box in sample.boxes[view.kept].tolist())

    standard = crop(sample, WHOLE, Script(0.7, seed), is_overlap_required=True).window
    assert standard == WHOLE or best_overlap(is_required=True) >= 0.7
    original = crop(sample, WHOLE, Script(0.7, seed), is_overlap_required=False).window
    assert original != WHOLE


def test_the_inert_overlap_of_the_original_lets_small_overlaps_pass():
    sample = make_sample([[0, 0, 50, 40], [60, 40, 70, 50]])
    views = [
        crop(sample, WHOLE, Script(0.9, seed), is_overlap_required=False) for seed in range(50)
    ]
    overlaps = [max(iou(view.window, box) for box in sample.boxes[view.kept]) for view in views]
    assert min(overlaps) < 0.3


@pytest.mark.parametrize('seed', range(5))
def test_a_crowd_alone_is_no_reason_to_crop(seed):
    crowds = make_sample([[10, 10, 70, 50]], is_crowd=[True])
    view = crop(crowds, WHOLE, np.random.default_rng(seed), is_overlap_required=True)
    assert view.window == WHOLE
    assert view.kept.all()


def test_an_empty_image_is_cropped_freely():
    empty = make_sample([])
    windows = {
        crop(empty, WHOLE, np.random.default_rng(seed), is_overlap_required=True).window
        for seed in range(20)
    }
    assert len(windows) > 10


def test_a_window_cuts_what_is_not_wholly_inside():
    boxes = np.array([[1, 1, 5, 5], [0, 0, 9, 9], [4, 4, 9.5, 6], [20, 20, 30, 30]])
    assert Window(0, 0, 9, 9).cuts(boxes).tolist() == [False, False, True, True]
