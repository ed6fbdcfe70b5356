"""One object is chosen, and then kept whatever else comes into view."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scenes import CLASS_NAMES, make_detections

from yolact_core.errors import InputError
from yolact_ros.health.transport import Level
from yolact_ros.node.target.target import Target, Wish

PERSON, CHAIR, CUP = CLASS_NAMES


MAX_LOST = 2.0


def seen(ids, depths=(), class_ids=None, second=1):
    """Return an image with instances of these tracks, with the first of these depths."""
    detections = make_detections(len(ids) + 1)[: len(ids)]
    if class_ids is not None:
        detections = type(detections)(**{**vars(detections), 'class_ids': np.array(class_ids)})
    objects = SimpleNamespace(indices=np.arange(len(depths)), depths=np.array(depths))
    nanoseconds = round(second * 1e9)
    stamp = SimpleNamespace(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
    return SimpleNamespace(
        detections=detections,
        tracks=SimpleNamespace(ids=tuple(ids)),
        objects=objects,
        header=SimpleNamespace(stamp=stamp),
    )


@pytest.fixture
def told():
    return []


@pytest.fixture
def target(told):
    return Target(told.append)


@pytest.fixture
def find(target):
    return lambda image: target.find(image, MAX_LOST)


def test_nothing_is_followed_until_something_is_wanted(target, find, told):
    assert find(seen(['1', '2'])) is None
    assert told == []


def test_the_nearest_of_a_class_becomes_the_target_and_keeps_its_track(target, find, told):
    target.choose(Wish(PERSON))
    assert find(seen(['1', '2', '3'], [2.0, 0.5, 1.0], [0, 1, 0])) == 2
    assert find(seen(['1', '3'], [0.2, 5.0], [0, 0])) == 1  # another is nearer by now
    assert told == ['target person 3 is seen']


def test_a_target_out_of_sight_is_waited_for_and_told(target, find, told):
    target.choose(Wish(CUP))
    assert find(seen(['7'], [1.0], [2], 1.0)) == 0
    assert find(seen(['8'], [1.0], [2], 1.4)) is None
    assert find(seen(['7'], [1.0], [2], 1.5)) == 0
    assert told == ['target cup 7 is seen']  # flicker is not told
    assert find(seen([], second=2.1)) is None
    assert target.check().text == 'cup 7 is out of sight for 0.6 s'
    assert find(seen(['8', '7'], [1.0, 2.0], [2, 2], 2.2)) == 1
    assert told[1:] == ['target cup 7 is out of sight', 'target cup 7 is seen again']
    assert (target.check().level, target.check().text) == (Level.OK, 'cup 7 is seen')


def test_a_target_whose_track_has_ended_is_lost_and_no_other_takes_its_place(target, find, told):
    target.choose(Wish(CUP))
    find(seen(['7'], [1.0], [2], 1.0))
    for second in (3.1, 3.2):
        assert find(seen(['8'], [1.0], [2], second)) is None
    loss = 'cup 7 is lost, and no other takes its place: choose one by set_target'
    assert told == ['target cup 7 is seen', f'target {loss}']
    assert (target.check().level, target.check().text) == (Level.WARN, loss)


def test_a_target_is_lost_where_time_goes_back(target, find, told):
    target.choose(Wish(CUP))
    find(seen(['7'], [1.0], [2], 9.0))
    assert find(seen(['8'], [1.0], [2], 1.0)) is None
    assert 'is lost' in told[-1]


def test_it_is_told_what_is_waited_for(target):
    assert target.check().text == 'none is asked for'
    target.choose(Wish(CUP))
    assert target.check().text == 'waits for the first object that fits'


def test_a_track_is_followed_whatever_its_class(target, find):
    target.choose(Wish(id='5'))
    assert find(seen(['4', '5'], [1.0, 3.0], [0, 1])) == 1
    assert find(seen(['5', '4'], [1.0, 3.0], [2, 1])) == 0


def test_instances_without_a_track_are_never_taken(target, find):
    target.choose(Wish())
    assert find(seen(['', '2'], [0.5, 3.0])) == 1


def test_where_no_depth_is_known_the_largest_is_taken_for_the_nearest(target, find):
    image = seen(['1', '2', '3'])
    target.choose(Wish())
    assert find(image) == int(image.detections.masks.areas().argmax())


def test_known_depth_comes_before_unknown(target, find):
    target.choose(Wish())
    assert find(seen(['1', '2', '3'], [9.0])) == 0


def test_the_answer_tells_what_the_newest_image_shows(target, find):
    assert target.choose(Wish(PERSON)) == ''
    find(seen(['1', '2'], [1.0, 2.0], [0, 1]))
    assert target.choose(Wish(CHAIR)) == '2'
    assert target.choose(Wish(CUP)) == ''
    assert find(seen(['1', '2', '9'], [1.0, 2.0, 3.0], [0, 1, 2])) == 2


def test_a_target_can_be_given_up(target, find):
    target.choose(Wish())
    assert find(seen(['1'])) == 0
    assert target.choose(None) == ''
    assert find(seen(['1'])) is None


def test_an_unknown_class_is_refused_and_changes_nothing(target, find):
    target.choose(Wish(id='1'))
    find(seen(['1']))
    with pytest.raises(InputError, match="class must be one of person, chair, cup, got 'dog'"):
        target.choose(Wish('dog'))
    assert find(seen(['1'])) == 0


def test_without_tracks_no_target_can_be_kept(target, find):
    image = seen(['1'])
    image.tracks = None
    assert find(image) is None
    with pytest.raises(
        InputError, match=r'tracking\.enabled must be true for a target to be kept'
    ):
        target.choose(Wish())
