"""One-slot mailboxes: the newest waits, cameras take turns, and the counters add up."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from yolact_ros.node.mailbox import Frame, Mailbox


def frame(camera='', data=b'', arrival=0.0):
    return Frame(camera, data, arrival, 0)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def test_the_newest_frame_replaces_the_one_that_waits():
    box = Mailbox([''])
    for data in (b'1', b'2', b'3'):
        box.put(frame(data=data))
    assert [one.data for one in box.take(1)] == [b'3']
    assert box.counters('').dropped_busy == 2


def test_frames_are_taken_once():
    box = Mailbox([''])
    box.put(frame())
    assert len(box.take(1)) == 1
    box.wake()
    assert box.take(1) == []


def test_cameras_take_turns_however_fast_they_are():
    box = Mailbox(['fast', 'slow', 'other'])
    served = []
    for _ in range(30):
        for _ in range(10):
            box.put(frame('fast'))
        box.put(frame('slow'))
        box.put(frame('other'))
        served += [one.camera for one in box.take(1)]
    assert [served.count(name) for name in ('fast', 'slow', 'other')] == [10, 10, 10]


def test_a_silent_camera_holds_up_nobody():
    box = Mailbox(['silent', 'alive'])
    for _ in range(3):
        box.put(frame('alive'))
        assert [one.camera for one in box.take(1)] == ['alive']


def test_frames_of_different_cameras_make_a_batch_but_never_two_of_one():
    box = Mailbox(['a', 'b', 'c'])
    for camera in ('a', 'a', 'b', 'c'):
        box.put(frame(camera))
    assert [one.camera for one in box.take(2)] == ['a', 'b']
    box.put(frame('a'))
    assert [one.camera for one in box.take(8)] == ['c', 'a']


def test_the_least_interval_holds_a_camera_back_and_then_serves_the_newest():
    clock = Clock()
    box = Mailbox([''], clock)
    box.put(frame(data=b'1'))
    assert box.take(1, interval=0.5)
    box.put(frame(data=b'2'))
    box.wake()
    assert box.take(1, interval=0.5) == []
    box.put(frame(data=b'3'))
    clock.seconds = 0.5
    assert [one.data for one in box.take(1, interval=0.5)] == [b'3']


def test_a_shorter_interval_counts_for_what_waits_already():
    clock = Clock()
    box = Mailbox([''], clock)
    box.put(frame(data=b'1'))
    assert box.take(1, interval=100)
    box.put(frame(data=b'2'))
    clock.seconds = 0.5
    assert [one.data for one in box.take(1, interval=0.5)] == [b'2']


def test_waiting_for_the_interval_ends_by_itself():
    box = Mailbox([''])
    box.put(frame(data=b'1'))
    box.take(1, interval=0.05)
    began = time.monotonic()
    box.put(frame(data=b'2'))
    assert [one.data for one in box.take(1, interval=0.05)] == [b'2']
    assert 0.03 < time.monotonic() - began < 1


def test_a_paused_box_is_shut_and_keeps_nothing_old_for_later():
    box = Mailbox([''])
    box.put(frame(data=b'old'))
    box.pause(True)
    box.put(frame(data=b'unseen'))
    box.pause(False)
    box.wake()
    assert box.take(1) == []
    counters = box.counters('')
    assert (counters.received, counters.dropped_busy) == (1, 1)


def test_whoever_waits_is_told_of_a_frame_and_of_the_end():
    box = Mailbox([''])
    taken = []

    def work():
        while (frames := box.take(1)) is not None:
            taken.extend(frames)

    worker = threading.Thread(target=work)
    worker.start()
    box.put(frame(data=b'1'))
    while not taken:
        time.sleep(0.001)
    box.close()
    worker.join(1)
    assert not worker.is_alive()
    assert [one.data for one in taken] == [b'1']


@pytest.mark.parametrize('outcome', ['processed', 'dropped_stale', 'unreadable', 'failed'])
def test_what_was_received_is_the_sum_of_what_became_of_it(outcome):
    box = Mailbox(['a', 'b'])
    for camera in ('a', 'b', 'a', 'a'):
        box.put(frame(camera))
    box.take(1)
    box.finish('a', outcome)
    assert asdict(box.counters('a')) == {
        'received': 3,
        'processed': 0,
        'dropped_busy': 2,
        'dropped_stale': 0,
        'unreadable': 0,
        'failed': 0,
        outcome: 1,
    }
    assert box.counters('b').received == 1


def test_frames_from_many_threads_are_all_accounted_for():
    names = ['a', 'b', 'c']
    box = Mailbox(names)

    def work():
        while frames := box.take(2):
            for one in frames:
                box.finish(one.camera, 'processed')

    worker = threading.Thread(target=work)
    worker.start()
    with ThreadPoolExecutor(3) as senders:
        list(senders.map(box.put, [frame(name) for name in names] * 300))
    box.close()
    worker.join()
    box.pause(True)
    for name in names:
        counters = box.counters(name)
        assert counters.received == 300 == counters.processed + counters.dropped_busy
