"""Threads are as they were after PyTorch worked alone, and after a library was loaded."""

import os
import threading
from contextlib import closing

import pytest
import torch

from yolact_core.threads import asleep_while_waiting, read_ahead, single_thread


@pytest.fixture
def three_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures('three_threads')
def test_the_number_of_threads_is_one_inside_and_as_before_outside():
    with single_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures('three_threads')
def test_an_error_inside_leaves_the_threads_as_before():
    @single_thread()
    def fail():
        assert torch.get_num_threads() == 1
        raise ValueError('no')

    with pytest.raises(ValueError, match='no'):
        fail()
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize('given', [None, 'active'])
def test_libraries_that_are_loaded_inside_sleep_unless_the_user_decides(monkeypatch, given):
    monkeypatch.delenv('OMP_WAIT_POLICY', raising=False)
    if given is not None:
        monkeypatch.setenv('OMP_WAIT_POLICY', given)
    with asleep_while_waiting():
        assert os.environ['OMP_WAIT_POLICY'] == (given or 'passive')
    assert os.environ.get('OMP_WAIT_POLICY') == given


class Source:
    """Numbers from 0, and what became of their generator."""

    def __init__(self, count, fails=False):
        self.count, self.fails = count, fails
        self.taken, self.threads, self.is_closed = [], set(), False
        self.is_ahead = threading.Semaphore(0)

    def items(self):
        try:
            for number in range(self.count):
                self.taken.append(number)
                self.threads.add(threading.get_ident())
                self.is_ahead.release()
                yield number
            if self.fails:
                raise ValueError('no more')
        finally:
            self.is_closed = True


@pytest.mark.parametrize('count', [0, 1, 5])
def test_what_is_read_ahead_comes_whole_and_in_order(count):
    source = Source(count)
    assert list(read_ahead(source.items())) == list(range(count))
    assert source.is_closed
    assert threading.get_ident() not in source.threads


def test_one_item_is_taken_while_another_is_in_use_and_no_more():
    source = Source(9)
    for number in read_ahead(source.items()):
        source.is_ahead.acquire(timeout=60)  # this one
        assert number == 8 or source.is_ahead.acquire(timeout=60)  # and the next
        assert not source.is_ahead.acquire(timeout=0.01)
        source.is_ahead.release()
        assert source.taken == list(range(min(number + 2, 9)))


def test_an_error_comes_after_the_items_before_it():
    numbers = read_ahead(Source(3, fails=True).items())
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match='no more'):
        next(numbers)


def test_who_stops_reading_closes_the_source_and_ends_the_thread():
    source, before = Source(9), threading.active_count()
    with closing(read_ahead(source.items())) as numbers:
        assert next(numbers) == 0
        assert threading.active_count() == before + 1
    assert source.is_closed
    assert source.taken in ([0], [0, 1])
    assert threading.active_count() == before


def test_nothing_is_taken_before_somebody_asks():
    source = Source(3)
    read_ahead(source.items()).close()
    assert source.taken == []
