"""Laws of the steadiness of masks: what is still scores 1, and only jitter costs anything."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import CLASS_NAMES, make_detections

from yolact_ros.bag.evaluate.figures.summary import measure_stability
from yolact_ros.bag.evaluate.motion import estimate_motion
from yolact_ros.bag.evaluate.records import FrameResult
from yolact_ros.bag.evaluate.stability import compare_frames

SIZE = (240, 320)
SECONDS = 0.1
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]


def disk(x, y, radius):
    return (COLUMNS - x) ** 2 + (ROWS - y) ** 2 < radius**2


def texture(seed, size=SIZE):
    noise = np.random.default_rng(seed).integers(0, 256, (size[0] // 4, size[1] // 4), np.uint8)
    return cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC)


def summarize(*steadiness):
    """Return the figures of comparisons between successive images."""
    none = np.zeros(0)
    return measure_stability(
        FrameResult(none, none, none, False, None, one, 0.0, None) for one in steadiness
    )


def compare(before, after, masks_before, masks_after, classes=(None, None)):
    return compare_frames(
        make_detections(masks_before, classes[0], SIZE),
        make_detections(masks_after, classes[1], SIZE),
        estimate_motion(before, after),
        SECONDS,
    )


def pan(image, pixels):
    """Return what a camera sees that turned to the right by some pixels."""
    return np.ascontiguousarray(np.roll(image, -pixels, axis=1))


MASKS = [disk(100, 120, 40), disk(220, 100, 25)]


def test_a_still_scene_with_perfect_masks_scores_exactly_one():
    image = texture(0)
    figures = summarize(*[compare(image, image, MASKS, MASKS)] * 3)
    assert figures.stability == 1.0
    assert figures.matched_iou == 1.0
    assert figures.flicker_per_minute == 0.0
    assert figures.class_switches_per_minute == 0.0
    assert figures.box_jitter_px == 0.0
    assert figures.compared == 6


def test_noise_of_the_sensor_is_no_motion():
    image = texture(0)
    noise = np.random.default_rng(1).normal(0, 3, (2, *SIZE))
    first, second = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert summarize(compare(first, second, MASKS, MASKS)).stability > 0.995


@pytest.mark.parametrize('pixels', [1, 3, 8, 15])
def test_a_moving_camera_costs_nothing(pixels):
    image = texture(0)
    moved = [disk(100 - pixels, 120, 40), disk(220 - pixels, 100, 25)]
    figures = summarize(compare(image, pan(image, pixels), MASKS, moved))
    assert figures.stability > 0.99
    assert figures.box_jitter_px < 0.3
    assert figures.flicker_per_minute == 0.0


@pytest.mark.parametrize('pixels', [3, 8, 15])
def test_masks_that_do_not_follow_the_camera_cost(pixels):
    image = texture(0)
    figures = summarize(compare(image, pan(image, pixels), MASKS, MASKS))
    assert figures.stability < 1 - 0.012 * pixels
    assert figures.box_jitter_px == pytest.approx(pixels / 2, abs=0.3)  # two of four sides


def test_stability_falls_with_every_pixel_of_jitter():
    image = texture(0)
    values = []
    for jitter in range(0, 30, 3):
        shaken = [disk(100 + jitter, 120, 40), disk(220 + jitter, 100, 25)]
        values.append(summarize(compare(image, image, MASKS, shaken)).stability)
    assert values[0] == 1.0
    assert all(after < before for before, after in pairwise(values))


def test_stability_falls_with_random_jitter_under_a_moving_camera():
    image, random = texture(0), np.random.default_rng(3)
    motion = [(pan(image, 4 * k), [disk(160 - 4 * k, 120, 40)]) for k in range(8)]
    values = []
    for strength in (0, 1, 2, 4, 8, 16):
        shaken = [
            [np.roll(mask, random.integers(-strength, strength + 1, 2), (0, 1)) for mask in masks]
            for _, masks in motion
        ]
        pairs = range(len(motion) - 1)
        figures = summarize(
            *(compare(motion[k][0], motion[k + 1][0], shaken[k], shaken[k + 1]) for k in pairs)
        )
        values.append(figures.stability)
    assert values[0] > 0.99
    assert all(after < before for before, after in pairwise(values))


def test_the_value_is_the_iou_that_can_be_counted():
    image = texture(0)
    before = np.zeros(SIZE, bool)
    before[100:140, 100:140] = True
    after = np.zeros(SIZE, bool)
    after[100:140, 110:150] = True
    one = compare(image, image, [before], [after])
    np.testing.assert_allclose(one.overlaps, [30 / 50])
    np.testing.assert_allclose(one.jitters, [5.0])  # 10, 0, 10 and 0 pixels


def test_an_instance_that_leaves_the_image_is_not_lost():
    image = texture(0)
    before, after = [disk(8, 120, 12)], []
    figures = summarize(compare(image, pan(image, 20), before, after))
    assert figures.flicker_per_minute == 0.0
    assert figures.stability is None


def test_an_instance_cut_by_the_border_is_compared_where_both_images_show_it():
    image = texture(0)
    before, after = [disk(20, 120, 30)], [disk(12, 120, 30)]
    assert summarize(compare(image, pan(image, 8), before, after)).stability > 0.98


def test_an_instance_that_goes_behind_another_is_not_lost():
    background, cover = texture(0), texture(5)

    def draw(x):
        shown = background.copy()
        shown[60:180, x : x + 90] = cover[60:180, 20:110]
        return shown

    hidden = disk(150, 120, 20)
    first, second = draw(30), draw(44)
    whole = [hidden & (COLUMNS >= 120)]
    rest = [hidden & (COLUMNS >= 134)]
    figures = summarize(compare(first, second, whole, rest))
    assert figures.stability > 0.95
    figures = summarize(compare(draw(66), draw(80), [hidden & (COLUMNS >= 156)], []))
    assert figures.flicker_per_minute == 0.0


def test_an_instance_that_is_not_found_again_is_flicker_and_counts_as_zero():
    image = texture(0)
    figures = summarize(compare(image, image, MASKS, MASKS[:1]))
    assert figures.stability == 0.5
    assert figures.matched_iou == 1.0
    assert figures.flicker_per_minute == pytest.approx(1 / (SECONDS / 60))
    assert figures.lost_share == 0.5


def test_an_instance_that_appears_costs_nothing():
    image = texture(0)
    figures = summarize(compare(image, image, MASKS[:1], MASKS))
    assert figures.stability == 1.0
    assert figures.flicker_per_minute == 0.0


def test_a_changed_class_is_a_switch_and_no_flicker():
    image = texture(0)
    figures = summarize(compare(image, image, MASKS, MASKS, classes=([0, 1], [0, 2])))
    assert figures.stability == 1.0
    assert figures.flicker_per_minute == 0.0
    assert figures.class_switches_per_minute == pytest.approx(1 / (SECONDS / 60))
    assert figures.class_switch_share == 0.5


def test_of_two_masks_of_one_object_each_is_matched_with_its_own_class():
    image = texture(0)
    twice = [MASKS[0], MASKS[0]]
    figures = summarize(compare(image, image, twice, twice, classes=([0, 1], [1, 0])))
    assert figures.class_switches_per_minute == 0.0
    assert figures.stability == 1.0


def test_figures_can_be_had_of_one_class():
    image = texture(0)
    one = compare(image, image, MASKS, MASKS[:1], classes=([0, 1], [0]))
    results = [FrameResult(np.zeros(0), np.zeros(0), np.zeros(0), False, None, one, 0.0, None)]
    assert measure_stability(results, 0).stability == 1.0
    assert measure_stability(results, 1).stability == 0.0
    assert measure_stability(results, 1).lost_share == 1.0
    assert len(CLASS_NAMES) > 2
    assert measure_stability(results, 2).stability is None


def test_nothing_found_is_nothing_to_tell():
    image = texture(0)
    figures = summarize(compare(image, image, [], []))
    assert figures.stability is None
    assert figures.flicker_per_minute == 0.0
    assert summarize().flicker_per_minute is None


def test_empty_masks_are_neither_followed_nor_lost():
    image, empty = texture(0), np.zeros(SIZE, bool)
    figures = summarize(compare(image, image, [empty], [empty, MASKS[0]]))
    assert figures.compared == 0


def test_motion_does_not_depend_on_threads():
    before = cv2.cvtColor(cv2.merge([texture(0)] * 3), cv2.COLOR_BGR2GRAY)
    after = pan(before, 7)
    threads = cv2.getNumThreads()
    try:
        found = []
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            found.append(estimate_motion(before, after))
    finally:
        cv2.setNumThreads(threads)
    for other in found[1:]:
        np.testing.assert_array_equal(other.source_x, found[0].source_x)
        np.testing.assert_array_equal(other.is_visible, found[0].is_visible)


@pytest.mark.parametrize('size', [(16, 16), (17, 33), (37, 53)])
def test_small_images_have_motion_too(size):
    image = texture(0, (64, 64))[: size[0], : size[1]]
    motion = estimate_motion(np.ascontiguousarray(image), pan(image, 1))
    assert motion.is_visible.shape == size
