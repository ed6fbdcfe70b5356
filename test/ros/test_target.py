"""One object is chosen, and then kept whatever else comes into view."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scenes import CLASS_NAMES, make_detections

from yolact_core.errors import InputError
from yolact_ros.node.target.target import Target, Wish

PERSON, CHAIR, CUP = CLASS_NAMES


def seen(ids, depths=(), class_ids=None):
    """Return an image with instances of these tracks, with the first of these depths."""
    detections = make_detections(len(ids) + 1)[: len(ids)]
    if class_ids is not None:
        detections = type(detections)(**{**vars(detections), 'class_ids': np.array(class_ids)})
    objects = SimpleNamespace(indices=np.arange(len(depths)), depths=np.array(depths))
    return SimpleNamespace(
        detections=detections, tracks=SimpleNamespace(ids=tuple(ids)), objects=objects
    )


@pytest.fixture
def told():
    return []


@pytest.fixture
def target(told):
    return Target(told.append)


def test_nothing_is_followed_until_something_is_wanted(target, told):
    assert target.find(seen(['1', '2'])) is None
    assert told == []


def test_the_nearest_of_a_class_becomes_the_target_and_keeps_its_track(target, told):
    target.choose(Wish(PERSON))
    assert target.find(seen(['1', '2', '3'], [2.0, 0.5, 1.0], [0, 1, 0])) == 2
    assert target.find(seen(['1', '3'], [0.2, 5.0], [0, 0])) == 1  # another is nearer by now
    assert told == ['target person 3 is seen']


def test_a_target_that_is_lost_is_waited_for_and_told(target, told):
    target.choose(Wish(CUP))
    assert target.find(seen(['7'], [1.0], [2])) == 0
    assert target.find(seen(['8'], [1.0], [2])) is None
    assert target.find(seen([])) is None
    assert target.find(seen(['8', '7'], [1.0, 2.0], [2, 2])) == 1
    assert told == ['target cup 7 is seen', 'target cup 7 is lost', 'target cup 7 is seen']


def test_a_track_is_followed_whatever_its_class(target):
    target.choose(Wish(id='5'))
    assert target.find(seen(['4', '5'], [1.0, 3.0], [0, 1])) == 1
    assert target.find(seen(['5', '4'], [1.0, 3.0], [2, 1])) == 0


def test_instances_without_a_track_are_never_taken(target):
    target.choose(Wish())
    assert target.find(seen(['', '2'], [0.5, 3.0])) == 1


def test_where_no_depth_is_known_the_largest_is_taken_for_the_nearest(target):
    image = seen(['1', '2', '3'])
    target.choose(Wish())
    assert target.find(image) == int(image.detections.masks.areas().argmax())


def test_known_depth_comes_before_unknown(target):
    target.choose(Wish())
    assert target.find(seen(['1', '2', '3'], [9.0])) == 0


def test_the_answer_tells_what_the_newest_image_shows(target):
    assert target.choose(Wish(PERSON)) == ''
    target.find(seen(['1', '2'], [1.0, 2.0], [0, 1]))
    assert target.choose(Wish(CHAIR)) == '2'
    assert target.choose(Wish(CUP)) == ''
    assert target.find(seen(['1', '2', '9'], [1.0, 2.0, 3.0], [0, 1, 2])) == 2


def test_a_target_can_be_given_up(target):
    target.choose(Wish())
    assert target.find(seen(['1'])) == 0
    assert target.choose(None) == ''
    assert target.find(seen(['1'])) is None


def test_an_unknown_class_is_refused_and_changes_nothing(target):
    target.choose(Wish(id='1'))
    target.find(seen(['1']))
    with pytest.raises(InputError, match="class must be one of person, chair, cup, got 'dog'"):
        target.choose(Wish('dog'))
    assert target.find(seen(['1'])) == 0


def test_without_tracks_no_target_can_be_kept(target):
    image = seen(['1'])
    image.tracks = None
    assert target.find(image) is None
    with pytest.raises(
        InputError, match=r'tracking\.enabled must be true for a target to be kept'
    ):
        target.choose(Wish())
