"""Who waits for a result gets the next one that suits, or a reason."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')

from yolact_core.errors import InputError
from yolact_ros.node.objects import results
from yolact_ros.node.objects.results import Results

WITH_DEPTH, WITHOUT = SimpleNamespace(space='depth'), SimpleNamespace(space=None)


@pytest.fixture
def running():
    """Return what keeps results, while the node is active."""
    kept = Results()
    kept.start()
    yield kept
    kept.stop()


def test_all_who_wait_get_the_next_result_once(running):
    running.put(WITH_DEPTH)
    answers = [running.wait(has_depth=False) for _ in range(2)]
    assert not any(answer.done() for answer in answers)
    running.put(WITHOUT)
    running.put(WITH_DEPTH)
    assert [answer.result(0) for answer in answers] == [WITHOUT, WITHOUT]
    assert running.newest is WITH_DEPTH


def test_results_without_depth_are_passed_over_for_a_while(running, monkeypatch):
    patient = running.wait(has_depth=True)
    running.put(WITHOUT)
    assert not patient.done()
    running.put(WITH_DEPTH)
    assert patient.result(0) is WITH_DEPTH
    monkeypatch.setattr(results, 'DEPTH_TIMEOUT', 0.0)
    late = running.wait(has_depth=True)
    running.put(WITHOUT)
    assert late.result(0) is WITHOUT


def test_the_newest_result_is_one_with_depth_if_there_is_any(running):
    assert running.newest is None
    for result, newest in ((WITHOUT, WITHOUT), (WITH_DEPTH, WITH_DEPTH), (WITHOUT, WITH_DEPTH)):
        running.put(result)
        assert running.newest is newest


def test_without_images_there_is_an_answer_all_the_same(running):
    answer = running.wait(has_depth=False, timeout=0.05)
    with pytest.raises(InputError, match=r'an image must come within 0\.05 s'):
        answer.result(5)
    running.put(WITH_DEPTH)  # too late, and no harm


def test_nobody_waits_for_a_node_that_is_not_active(running):
    waiting = running.wait(has_depth=False)
    running.put(WITHOUT)
    other = running.wait(has_depth=False)
    running.stop()
    assert waiting.result(0) is WITHOUT
    for refused in (other, running.wait(has_depth=False)):
        with pytest.raises(InputError, match='the node must be active to process images'):
            refused.result(0)
    running.put(WITH_DEPTH)  # of the image that was being worked on
    assert running.newest is None
