"""Positions are due at fixed times, and nothing adds up."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed', exc_type=ImportError)

from yolact_ros.player.timing import Mark, Pace, Tally, interpolate

MS = 1_000_000


class FakeTime:
    """Time that passes only while somebody rests, always a little too long."""

    def __init__(self, oversleep=0):
        self.now = 123_456_789
        self.oversleep = oversleep
        self.rests_left = 10**6

    def rest(self, seconds):
        self.now += round(min(seconds, 0.05) * 1e9) + (self.oversleep if seconds else 0)
        self.rests_left -= 1
        return self.rests_left > 0


def test_what_comes_late_does_not_delay_the_next():
    time = FakeTime(oversleep=3 * MS)
    pace = Pace(1.0, time.rest, lambda: time.now)
    began = time.now
    for index in range(1000):
        position = index * 100 * MS // 3
        assert pace.wait_for(position)
        assert 0 <= time.now - began - position <= 3 * MS
        time.now += 10 * MS  # publishing takes time too


def test_twice_the_speed_takes_half_the_time():
    time = FakeTime()
    pace = Pace(2.0, time.rest, lambda: time.now)
    began = time.now
    assert pace.position == 0
    assert pace.wait_for(0)
    assert pace.wait_for(1000 * MS)
    assert time.now - began == pytest.approx(500 * MS, abs=1000)
    assert pace.position == pytest.approx(1000 * MS, abs=1000)


def test_what_is_overdue_is_due_at_once():
    time = FakeTime()
    pace = Pace(1.0, time.rest, lambda: time.now)
    pace.wait_for(0)
    time.now += 5000 * MS
    before = time.now
    assert pace.wait_for(100 * MS)
    assert time.now == before


@pytest.mark.parametrize('position', [0, 10_000 * MS])
def test_a_stop_ends_the_wait(position):
    time = FakeTime()
    pace = Pace(1.0, time.rest, lambda: time.now)
    pace.wait_for(0)
    time.rests_left = 2
    pace.wait_for(0)
    assert not pace.wait_for(position)


def test_time_between_two_messages_runs_from_one_to_the_other():
    past, upcoming = Mark(100, 5000), Mark(300, 5400)
    assert [interpolate(past, upcoming, at) for at in (100, 150, 300)] == [5000, 5100, 5400]
    assert interpolate(past, upcoming, 90) == 5000
    assert interpolate(past, upcoming, 1000) == 5400  # never ahead of a late message


def test_time_goes_on_until_it_jumps_back():
    assert interpolate(Mark(100, 5000), Mark(200, 1000), 150) == 5050


def test_time_goes_on_until_it_jumps_over_a_gap():
    assert interpolate(Mark(100, 5000), Mark(200, 10**9, is_behind_gap=True), 150) == 5050


def test_two_messages_at_once_have_the_time_of_the_second():
    assert interpolate(Mark(100, 5000), Mark(100, 5001), 100) == 5001


def test_the_tally_counts_intervals_not_images():
    tally = Tally()
    assert tally.rate == 0
    for index in range(31):
        tally.add(7 + index * 100 * MS, late=index % 4 * MS)
    assert tally.rate == pytest.approx(10.0)
    assert tally.describe('/image') == (
        'published 31 images on /image at 10.00 Hz, the latest 3.0 ms behind its time'
    )


def test_a_single_image_has_no_rate():
    tally = Tally()
    tally.add(7, late=0)
    assert tally.describe('/image').startswith('published 1 image on /image at 0.00 Hz')
