"""Threads are as they were after PyTorch worked alone, and after a library was loaded."""

import os

import pytest
import torch

from yolact_core.threads import asleep_while_waiting, single_thread


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
