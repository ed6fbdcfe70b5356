"""Depth images wait for the images that they belong to."""

import pytest

from yolact_ros.node.depth.ring import LENGTH, DepthRing

S = 10**9
MS = 10**6


def ring_of(*stamps):
    ring = DepthRing()
    for stamp in stamps:
        ring.add(stamp, str(stamp).encode())
    return ring


def at_30_hz(count=8, begin=S):
    return [begin + index * 33 * MS for index in range(count)]


def test_an_empty_ring_has_nothing():
    assert ring_of().find(S) is None
    assert ring_of().period == 0


def test_the_same_stamp_is_found_whatever_came_after_it():
    stamps = at_30_hz()
    for stamp in stamps:
        assert ring_of(*stamps).find(stamp) == str(stamp).encode()


def test_a_lone_depth_image_belongs_to_its_own_stamp_only():
    ring = ring_of(S)
    assert ring.find(S) == str(S).encode()
    assert ring.find(S + 1) is None


@pytest.mark.parametrize(
    ('away', 'found'), [(-16 * MS, True), (16 * MS, True), (17 * MS, False), (-17 * MS, False)]
)
def test_the_nearest_is_found_within_half_a_period(away, found):
    stamps = [S, S + 33 * MS, S + 66 * MS, S + 165 * MS, S + 198 * MS]
    last = S + 66 * MS if away > 0 else S + 165 * MS
    ring = ring_of(*stamps)
    assert ring.period == pytest.approx(0.033)
    assert ring.find(last + away) == (str(last).encode() if found else None)


def test_an_older_one_is_never_taken_where_the_newer_one_is_missing():
    stamps = at_30_hz()
    ring = ring_of(*stamps)
    assert ring.find(stamps[-1] + 33 * MS) is None
    assert ring.find(stamps[-1] + 500 * MS) is None


def test_lost_depth_images_do_not_widen_what_is_near():
    stamps = at_30_hz(12)
    del stamps[3], stamps[6]
    assert ring_of(*stamps).period == pytest.approx(0.033)


def test_a_largest_difference_narrows_half_a_period_and_never_widens_it():
    ring = ring_of(*at_30_hz())
    assert ring.find(S + 5 * MS, 0.004) is None
    assert ring.find(S + 5 * MS, 0.006) == str(S).encode()
    last = at_30_hz()[-1]
    assert ring.find(last + 100 * MS, 0.5) is None


@pytest.mark.parametrize('stamp', [S // 2, S])
def test_time_that_goes_back_or_stands_still_begins_anew(stamp):
    ring = ring_of(S - 33 * MS, S, stamp)
    assert ring.find(S - 33 * MS) is None
    assert ring.find(stamp) == str(stamp).encode()


def test_the_oldest_leave():
    stamps = at_30_hz(LENGTH + 1)
    ring = ring_of(*stamps)
    assert ring.find(stamps[0]) is None
    assert ring.find(stamps[1]) is not None


def test_nothing_is_left_once_it_is_cleared():
    ring = ring_of(S)
    ring.clear()
    assert ring.find(S) is None
