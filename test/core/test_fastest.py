"""All candidates take their turn until it is sure which are fastest."""

import random
import time

import pytest

from yolact_core import load_network
from yolact_core.runtimes.choices import Candidate
from yolact_core.runtimes.fastest import (
    ALIKE,
    FEWEST,
    MOST,
    measure_calls,
    measure_in_turn,
    median_of,
    pick,
    summarise,
)
from yolact_core.runtimes.torch import TorchBackend

A, B, C = (Candidate(name, 'float32') for name in 'abc')


class Delayed(TorchBackend):
    def __init__(self, network, seconds):
        super().__init__(network)
        self.seconds = seconds

    def __call__(self, images):
        time.sleep(self.seconds)
        return super().__call__(images)


def drawn(median, rounds, seed=0):
    """Return seconds of rounds that scatter by two percent."""
    generator = random.Random(seed)
    return [median * generator.gauss(1, 0.02) for _ in range(rounds)]


def test_backends_of_one_model_are_measured_from_an_image_on(tiny_model):
    network = load_network(tiny_model)
    slow, fast = Delayed(network, 1.0), Delayed(network, 0.0)
    measured = measure_in_turn({A: slow, B: fast})
    assert [one.candidate for one in measured] == [B, A]
    assert measured[1].milliseconds.value > 1000
    assert pick(measured, [A, B]) == B


def test_what_is_far_behind_drops_out():
    measured = measure_calls({A: lambda: time.sleep(0.5), B: lambda: time.sleep(0.01)})
    assert [(one.candidate, one.rounds) for one in measured] == [(B, FEWEST), (A, 2)]


def test_calls_that_take_equally_long_end_the_measurement_as_alike():
    measured = measure_calls({A: lambda: time.sleep(0.02), B: lambda: time.sleep(0.0201)})
    assert all(one.times_slower.high <= ALIKE for one in measured)
    assert all(FEWEST <= one.rounds <= MOST for one in measured)
    assert pick(measured, [B, A]) == B
    assert pick(measured, [A, B]) == A


def test_what_is_a_little_slower_is_taken_only_if_that_is_sure():
    close = summarise({A: drawn(1.00, 40), B: drawn(1.02, 40, seed=1)})
    assert pick(close, [B, A]) == B
    unsure = summarise({A: drawn(1.00, 5), B: drawn(1.03, 5, seed=1)})
    assert unsure[1].times_slower.value < ALIKE < unsure[1].times_slower.high
    assert pick(unsure, [B, A]) == A


def test_ratios_are_of_the_same_round_so_that_a_drift_decides_nothing():
    drift = [1.0 + 0.1 * number for number in range(10)]
    measured = summarise({A: drift, B: [1.1 * one for one in drift], C: [1.3, 1.43]})
    assert [one.candidate for one in measured] == [A, B, C]
    assert measured[1].times_slower == pytest.approx((1.1, 1.1, 1.1))
    assert measured[2].times_slower.value == pytest.approx(1.3)


@pytest.mark.parametrize('count', [5, 8, 20, 40])
def test_the_interval_of_a_median_holds_the_true_one_in_95_of_100_cases(count):
    generator = random.Random(count)
    hits = 0
    for _ in range(2000):
        median = median_of([generator.expovariate(1) for _ in range(count)])
        hits += median.low <= 0.6931 <= median.high
    assert 0.92 < hits / 2000 < 0.99
