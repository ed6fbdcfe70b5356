"""Latencies by stage, and what is told from the arrivals of images."""

from dataclasses import fields

import numpy as np
import pytest

from yolact_ros.health.arrivals import WINDOW, Arrival, Arrivals, count_gaps
from yolact_ros.health.latencies import KEPT, Latencies, StageTimes


def times(total, age=float('nan')):
    values = dict.fromkeys((field.name for field in fields(StageTimes)), 0.0)
    return StageTimes(**{**values, 'total': total, 'age_at_receive': age})


def test_nothing_measured_sums_up_to_nothing():
    assert Latencies().summarize() == {}


def test_stages_are_summed_up_by_median_tail_and_maximum():
    latencies = Latencies()
    for total in range(101):
        latencies.add(times(float(total)))
    total = latencies.summarize()['total']
    assert (total.p50, total.p95, total.max) == (50, 95, 100)


def test_ages_of_images_without_a_stamp_do_not_count():
    latencies = Latencies()
    latencies.add(times(1.0))
    assert 'age_at_receive' not in latencies.summarize()
    latencies.add(times(1.0, age=0.25))
    assert latencies.summarize()['age_at_receive'].max == 0.25


def test_only_the_latest_images_count():
    latencies = Latencies()
    latencies.add(times(1000.0))
    for _ in range(KEPT):
        latencies.add(times(1.0))
    assert latencies.summarize()['total'].max == 1


def test_silence_is_told_from_the_beginning_and_from_the_last_image():
    arrivals = Arrivals(start=100.0)
    assert arrivals.silence(103.0) == 3
    assert not arrivals.has_any
    arrivals.add(Arrival(104.0))
    assert arrivals.silence(104.5) == 0.5
    assert arrivals.has_any


def test_the_rate_is_that_of_the_last_seconds():
    arrivals = Arrivals(start=0.0)
    for index in range(600):
        arrivals.add(Arrival(index / 30))
    assert arrivals.rate(20.0) == pytest.approx(30, abs=0.2)
    assert arrivals.rate(20.0 + 2 * WINDOW) == 0


def test_gaps_in_the_numbers_of_a_publisher_are_losses():
    arrivals = Arrivals(start=0.0)
    for number in (7, 8, 11, 12, 20):
        arrivals.add(Arrival(1.0, number=number, publisher=b'a'))
    assert arrivals.lost(1.0) == 2 + 7
    assert arrivals.received(1.0) == 5


def test_publishers_number_their_images_each_for_itself():
    arrivals = Arrivals(start=0.0)
    for number in range(1, 5):
        arrivals.add(Arrival(1.0, number=number, publisher=b'a'))
        arrivals.add(
            Arrival(1.0, number=100 * number, publisher=b'b')
            if number == 1
            else Arrival(1.0, number=99 + number, publisher=b'b')
        )
    assert arrivals.lost(1.0) == 0


def test_a_publisher_that_begins_anew_has_lost_nothing():
    arrivals = Arrivals(start=0.0)
    for number in (50, 51, 1, 2, 3):
        arrivals.add(Arrival(1.0, number=number, publisher=b'a'))
    assert arrivals.lost(1.0) == 0


def test_losses_are_forgotten_with_their_images():
    arrivals = Arrivals(start=0.0)
    arrivals.add(Arrival(1.0, number=1))
    arrivals.add(Arrival(2.0, number=10))
    assert arrivals.lost(2.0 + WINDOW + 1) == 0


def test_without_numbers_losses_are_gaps_between_times_of_sending():
    arrivals = Arrivals(start=0.0)
    sent = [index / 30 for index in range(90) if index % 10]
    for moment in sent:
        arrivals.add(Arrival(1 + moment, sent=moment + 50))
    assert arrivals.lost(4.0) == 8


@pytest.mark.parametrize('missing', [0, 1, 5, 40])
def test_gaps_are_counted_in_series_with_jitter(missing):
    random = np.random.default_rng(missing)
    kept = np.ones(120, dtype=bool)
    kept[random.choice(np.arange(1, 119), missing, replace=False)] = False
    moments = (np.arange(120) / 30 + random.normal(0, 0.001, 120))[kept]
    assert count_gaps(moments.tolist()) == missing


@pytest.mark.parametrize('times_of_sending', [[], [1.0], [1.0, 2.0, 9.0], [5.0] * 20])
def test_series_that_tell_no_interval_have_no_gaps(times_of_sending):
    assert count_gaps(times_of_sending) == 0
