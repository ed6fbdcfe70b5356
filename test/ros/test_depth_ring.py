"""Depth images wait for the images that they belong to."""

import pytest

from yolact_core.errors import InputError
from yolact_ros.depth.ring import LENGTH, DepthRing

S = 10**9
MS = 10**6


def ring_of(*stamps):
    ring = DepthRing()
    for stamp in stamps:
        ring.add(stamp, str(stamp).encode())
    return ring


def find(ring, stamp, most=0.0):
    """Return what is found, or None."""
    try:
        return ring.find(stamp, most)
    except InputError:
        return None


def at_30_hz(count=8, begin=S):
    return [begin + index * 33 * MS for index in range(count)]


def test_an_empty_ring_has_nothing():
    with pytest.raises(InputError, match='depth must come for images to have any, got none yet'):
        ring_of().find(S)
    assert ring_of().period == 0


def test_the_same_stamp_is_found_whatever_came_after_it():
    stamps = at_30_hz()
    for stamp in stamps:
        assert find(ring_of(*stamps), stamp) == str(stamp).encode()


def test_a_lone_depth_image_belongs_to_its_own_stamp_only():
    ring = ring_of(S)
    assert find(ring, S) == str(S).encode()
    assert find(ring, S + 1) is None


@pytest.mark.parametrize(
    ('away', 'found'), [(-16 * MS, True), (16 * MS, True), (17 * MS, False), (-17 * MS, False)]
)
def test_the_nearest_is_found_within_half_a_period(away, found):
    stamps = [S, S + 33 * MS, S + 66 * MS, S + 165 * MS, S + 198 * MS]
    last = S + 66 * MS if away > 0 else S + 165 * MS
    ring = ring_of(*stamps)
    assert ring.period == pytest.approx(0.033)
    assert find(ring, last + away) == (str(last).encode() if found else None)


def test_a_pause_does_not_widen_what_is_near():
    ring = ring_of(S, S + 900 * MS)
    assert find(ring, S + 500 * MS) is None
    ring.add(S + 933 * MS, b'')
    assert ring.period == pytest.approx(0.033)


def test_an_older_one_is_never_taken_where_the_newer_one_is_missing():
    stamps = at_30_hz()
    ring = ring_of(*stamps)
    assert find(ring, stamps[-1] + 33 * MS) is None
    assert find(ring, stamps[-1] + 500 * MS) is None


def test_lost_depth_images_do_not_widen_what_is_near():
    stamps = at_30_hz(16)
    del stamps[10:12], stamps[7], stamps[5], stamps[3]
    assert ring_of(*stamps).period == pytest.approx(0.033)


def test_a_largest_difference_narrows_half_a_period_and_never_widens_it():
    ring = ring_of(*at_30_hz())
    assert find(ring, S + 5 * MS, 0.004) is None
    assert find(ring, S + 5 * MS, 0.006) == str(S).encode()
    last = at_30_hz()[-1]
    assert find(ring, last + 100 * MS, 0.5) is None


def test_how_far_away_the_nearest_is_is_told():
    words = 'within 16.5 ms of that of the image, the nearest is 33.0 ms away'
    with pytest.raises(InputError, match=words):
        ring_of(*at_30_hz()).find(at_30_hz()[-1] + 33 * MS)


@pytest.mark.parametrize(
    ('stamps', 'words'),
    [
        ([S - 33 * MS], 'depth must have the stamp of the image, the nearest is 33.0 ms away'),
        ([S + 3600 * S], 'depth must have the stamp of the image, the nearest is 3600.0 s away'),
        ([0, 0, 0], 'depth must have stamps to be paired with images, got none'),
    ],
)
def test_without_a_period_the_reason_names_no_limit(stamps, words):
    with pytest.raises(InputError, match=words):
        ring_of(*stamps).find(S)


def test_images_without_a_stamp_are_paired_with_nothing():
    with pytest.raises(InputError, match='images must have stamps'):
        ring_of(0).find(0)


@pytest.mark.parametrize('stamp', [S // 2, S, 3 * S])
def test_time_that_goes_back_stands_still_or_jumps_begins_anew(stamp):
    ring = ring_of(S - 33 * MS, S, stamp)
    assert find(ring, S - 33 * MS) is None
    assert find(ring, stamp) == str(stamp).encode()


def test_the_oldest_leave():
    stamps = at_30_hz(LENGTH + 1)
    ring = ring_of(*stamps)
    assert find(ring, stamps[0]) is None
    assert find(ring, stamps[1]) is not None


def test_nothing_is_left_once_it_is_cleared():
    ring = ring_of(S)
    ring.clear()
    assert find(ring, S) is None
