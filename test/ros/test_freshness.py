"""Ages by stamps, and stamps that cannot be right."""

import math

from yolact_ros.health.freshness import Stamps

SECOND = 10**9


def test_the_age_is_the_time_since_the_stamp():
    stamps = Stamps()
    assert stamps.age(5 * SECOND, 5 * SECOND + SECOND // 4) == 0.25
    assert (stamps.zero, stamps.future, stamps.backwards) == (0, 0, 0)


def test_a_stamp_of_zero_says_nothing_about_the_age():
    stamps = Stamps(latest=7 * SECOND)
    assert math.isnan(stamps.age(0, 5 * SECOND))
    assert (stamps.zero, stamps.backwards) == (1, 0)


def test_a_stamp_from_the_future_is_counted_but_not_a_small_difference_of_clocks():
    stamps = Stamps()
    assert stamps.age(8 * SECOND, 5 * SECOND) == -3
    stamps.age(8 * SECOND + 1, 8 * SECOND)
    assert stamps.future == 1


def test_a_jump_back_is_counted_once():
    stamps = Stamps()
    for second in (10, 11, 12, 3, 4, 5):
        stamps.age(second * SECOND, 20 * SECOND)
    assert stamps.backwards == 1
