"""Cores that others use are counted, and what this process does itself is not."""

import sys
import time

import pytest

from yolact_core import cores
from yolact_core.benchmark.measuring import busy_process
from yolact_core.cores import CoreMeter, usable_cores


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux tells how busy cores are')
def test_a_busy_process_is_seen_and_own_work_is_not():
    quiet, beside = [], []
    with busy_process() as wake:
        for others, is_awake in ((quiet, False), (beside, True)) * 2:
            wake(is_awake)
            meter, end = CoreMeter(), time.perf_counter() + 0.4
            while time.perf_counter() < end:
                pass
            others.append(meter.others())
    assert max(quiet) <= usable_cores()
    assert min(beside) > min(quiet) + 0.15 or min(quiet) > usable_cores() - 1.2


def test_where_nothing_tells_how_busy_cores_are_nobody_is_seen(monkeypatch, tmp_path):
    monkeypatch.setattr(cores, 'STAT', tmp_path / 'none')
    assert CoreMeter().others() == 0.0
