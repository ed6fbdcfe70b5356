"""Laws that hold for tracks whatever the scene."""

from __future__ import annotations

import tracemalloc
from itertools import count

import numpy as np
from tracked_scenes import follow, moving, rectangles
from tracker_cost import PERIOD, SMALL, make_scene

from yolact_core.tracking import Tracker


def test_an_empty_image_has_no_tracks_and_ages_those_there_are():
    empty, one = rectangles(), rectangles((100, 100, 160, 160))
    first, nothing, again = follow([one, empty, one])
    assert nothing.ids == ()
    assert len(nothing.ages) == len(nothing.class_ids) == 0
    assert (first.ids, first.ages.tolist()) == (('1',), [1])
    assert (again.ids, again.ages.tolist()) == (('1',), [3])


def test_a_still_scene_has_one_id_per_object_for_ever():
    scene = rectangles((0, 0, 50, 50), (100, 100, 160, 160), (110, 300, 200, 400))
    assert {tracks.ids for tracks in follow([scene] * 200)} == {('1', '2', '3')}


def test_the_order_of_detections_changes_nothing():
    random = np.random.default_rng(0)
    places = random.uniform(60, 400, (12, 2))
    speeds = random.uniform(-9, 9, (12, 2))
    images = [
        rectangles(
            *(moving(*place) for place in places + step * speeds),
            scores=random.uniform(0.2, 1.0, 12).round(1),
        )
        for step in range(15)
    ]
    orders = [random.permutation(12) for _ in images]
    straight = follow(images)
    mixed = follow([image[order] for image, order in zip(images, orders, strict=True)])
    for one, other, order in zip(straight, mixed, orders, strict=True):
        assert tuple(one.ids[place] for place in order) == other.ids
        assert (one.ages[order] == other.ages).all()
        assert (one.class_ids[order] == other.class_ids).all()


def test_doubling_the_rate_changes_no_id():
    def scene(step):
        return rectangles(moving(100 + 8 * step, 100), moving(500 - 6 * step, 300, 90))

    slow = follow([scene(step) for step in range(0, 40, 2)], period=0.2)
    fast = follow([scene(step) for step in range(40)], period=0.1)
    assert [tracks.ids for tracks in slow] == [tracks.ids for tracks in fast][::2]


def test_equal_objects_that_cross_without_overlapping_keep_their_ids():
    def scene(step):
        return rectangles(moving(60 + 12 * step, 200), moving(560 - 12 * step, 262))

    assert {tracks.ids for tracks in follow([scene(step) for step in range(40)])} == {('1', '2')}


def test_a_thousand_detections_do_not_stall():
    random = np.random.default_rng(2)
    places = random.uniform(20, 460, (1000, 2))
    images = [rectangles(*(moving(*place, 20) for place in places + step)) for step in range(3)]
    tracks = follow(images)
    same = np.mean([one == other for one, other in zip(tracks[0].ids, tracks[2].ids, strict=True)])
    assert same > 0.8  # they lie upon each other


def test_cameras_whose_images_come_in_turn_are_followed_as_each_alone():
    """Only the numbers differ, which cameras share."""
    cameras = [make_scene(6, 40, seed=seed) for seed in range(3)]
    alone = [follow(images) for images in cameras]
    numbers = count(1)
    trackers = [Tracker(numbers=numbers) for _ in cameras]
    for step, images in enumerate(zip(*cameras, strict=True)):
        for tracker, one, expected in zip(trackers, images, alone, strict=True):
            tracks = tracker.update(one, 0.1 * step)
            assert (tracks.ages == expected[step].ages).all()
            assert (tracks.class_ids == expected[step].class_ids).all()
    ids = [{known.id for known in tracker._tracks} for tracker in trackers]
    assert sum(map(len, ids)) == len(set().union(*ids)) > 0


def test_memory_does_not_grow_with_the_number_of_images():
    """Tracks begin and are lost all the time; at first numpy keeps what is freed for later."""
    scene, tracker, held = make_scene(3, 40, SMALL), Tracker(), []
    for image in range(1701):
        tracker.update(scene[image % len(scene)], image * PERIOD)
        if image == 1200:
            tracemalloc.start()
        if image in (1400, 1700):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert int(tracker._tracks[-1].id) > 100
    assert held[1] - held[0] < 10_000  # bytes
