"""Following instances from image to image, on scenes of rectangles."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tracked_scenes import SIZE, STAMP, follow, moving, rectangles

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.tracking import Tracker, TrackingOptions


def textured(seed):
    return np.random.default_rng(seed).integers(0, 255, (*SIZE, 3), dtype=np.uint8)


def test_an_object_is_found_again_behind_another():
    pillar = (300, 100, 360, 400)

    def scene(step):
        walker = moving(100 + 10 * step, 250, 40)
        is_hidden = walker[0] < pillar[2] and walker[2] > pillar[0]
        return rectangles(pillar) if is_hidden else rectangles(pillar, walker)

    tracks = follow([scene(step) for step in range(40)])
    assert len(tracks[20].ids) == 1  # hidden
    assert tracks[0].ids == tracks[-1].ids


def test_an_object_that_was_away_for_too_long_is_another():
    one, empty = rectangles((100, 100, 160, 160)), rectangles()
    kept = follow([one, *[empty] * 18, one])
    lost = follow([one, *[empty] * 25, one])
    assert (kept[-1].ids, lost[-1].ids) == (('1',), ('2',))


def test_a_class_may_flicker_while_the_track_keeps_the_one_that_most_images_voted_for():
    box = (100, 100, 160, 160)
    images = [rectangles(box, class_ids=[int(step == 5)]) for step in range(8)]
    tracks = follow(images)
    assert {one.ids for one in tracks} == {('1',)}
    assert {tuple(one.class_ids) for one in tracks} == {(0,)}
    assert images[5].class_ids.tolist() == [1]


def test_a_class_that_stays_is_believed():
    box = (100, 100, 160, 160)
    images = [rectangles(box, class_ids=[int(step >= 10)]) for step in range(60)]
    assert follow(images)[-1].class_ids.tolist() == [1]


def test_weak_detections_continue_tracks_but_begin_none():
    weak = rectangles((100, 100, 160, 160), (300, 300, 360, 360), scores=[0.2, 0.2])
    first, second = follow([rectangles((100, 100, 160, 160)), weak])
    assert first.ids == ('1',)
    assert second.ids == ('1', '')
    assert second.ages.tolist() == [2, 0]


def test_a_weak_detection_does_not_take_a_track_from_a_confident_one():
    weak_and_confident = rectangles((100, 100, 160, 160), (105, 100, 165, 160), scores=[0.2, 0.9])
    assert follow([rectangles((100, 100, 160, 160)), weak_and_confident])[1].ids == ('', '1')


def test_masks_tell_apart_what_boxes_do_not():
    """Two triangles share one box; each moves on by a few pixels."""
    lower = np.tri(80, dtype=np.bool_)
    upper = ~lower

    def scene(x):
        detections = rectangles((x, 100, x + 80, 180), (x, 100, x + 80, 180))
        masks = InstanceMasks.from_crops([(lower, (x, 100)), (upper, (x, 100))], SIZE)
        return Detections(**{**vars(detections), 'masks': masks})

    before, after = scene(100), scene(104)[[1, 0]]
    first, second = follow([before, after])
    assert second.ids == first.ids[::-1]


def test_time_that_goes_back_begins_anew_and_ids_never_come_back():
    one, tracker = rectangles((100, 100, 160, 160)), Tracker()
    assert tracker.update(one, STAMP + 5).ids == ('1',)
    back = tracker.update(one, STAMP)
    assert (back.ids, back.ages.tolist()) == (('2',), [1])
    tracker.reset()
    assert tracker.update(one, STAMP).ids == ('3',)


def test_an_image_with_the_stamp_of_the_last_one_goes_on():
    one, tracker = rectangles((100, 100, 160, 160)), Tracker()
    assert [tracker.update(one, STAMP).ids for _ in range(3)] == [('1',)] * 3


@pytest.mark.parametrize('stamp', [-1e10, 0.0, 1e10])
def test_any_finite_stamp_is_a_time(stamp):
    one, tracker = rectangles((100, 100, 160, 160)), Tracker()
    assert [tracker.update(one, stamp + step).ids for step in (0, 1)] == [('1',)] * 2


@pytest.mark.parametrize('stamp', [float('nan'), float('inf')])
def test_a_stamp_that_is_no_time_is_refused(stamp):
    with pytest.raises(InputError, match='stamp must be finite seconds, got'):
        Tracker().update(rectangles(), stamp)


@pytest.mark.parametrize(('camera_motion', 'second'), [(True, ('1', '2')), (False, ('3', '4'))])
def test_a_camera_that_turns_fast_keeps_ids(camera_motion, second):
    """All of the image moves by 90 pixels, and with it two objects 60 pixels wide."""
    wall = np.random.default_rng(1).integers(0, 255, (60, 100, 3), dtype=np.uint8)
    wall = wall.repeat(8, axis=0).repeat(8, axis=1)
    tracker = Tracker(TrackingOptions(camera_motion=camera_motion))
    ids = [
        tracker.update(
            rectangles(moving(560 - left, 100), moving(590 - left, 300)),
            STAMP + left / 450,
            np.ascontiguousarray(wall[:, left : left + SIZE[1]]),
        ).ids
        for left in (0, 90)
    ]
    assert ids == [('1', '2'), second]


def test_another_scene_begins_anew():
    one, tracker = rectangles((100, 100, 160, 160)), Tracker()
    assert tracker.update(one, STAMP, textured(0)).ids == ('1',)
    assert tracker.update(one, STAMP + 0.1, textured(0)).ids == ('1',)
    assert tracker.update(one, STAMP + 0.2, textured(1)).ids == ('2',)


@pytest.mark.parametrize('size', [(100_000, 1), (1, 100_000)])
def test_memory_does_not_grow_with_how_narrow_an_image_is(size):
    narrow, tracker = np.zeros((*size, 3), np.uint8), Tracker()
    tracemalloc.start()
    tracker.update(rectangles(), STAMP, narrow)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_images_without_contrast_are_no_other_scene():
    one, tracker = rectangles((100, 100, 160, 160)), Tracker()
    dark = np.zeros((*SIZE, 3), np.uint8)
    images = [textured(0), dark, dark]
    ids = [tracker.update(one, STAMP + index, image).ids for index, image in enumerate(images)]
    assert ids == [('1',)] * 3


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'begin_score': 1.5}, 'begin_score must be in \\[0, 1\\], got 1.5'),
        ({'min_iou': 0.0}, 'min_iou must be in \\(0, 1\\], got 0.0'),
        ({'max_lost': -1.0}, 'max_lost must be 0 seconds or more, got -1.0'),
        ({'max_lost': float('nan')}, 'max_lost must be 0 seconds or more, got nan'),
    ],
)
def test_settings_out_of_range_are_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        TrackingOptions(**values)
