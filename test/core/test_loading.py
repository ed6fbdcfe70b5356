"""What happens to a training when samples cannot be read."""

import os
import signal

import cv2
import numpy as np
import pytest
import torch
from coco_files import annotation, write_dataset

from yolact_core import InputError, ModelConfig
from yolact_core.dataset import CocoDataset, SampleLoader, collate, deaths_told
from yolact_core.training.augmentation import training_recipe
from yolact_core.training.samples import TrainingSamples


@pytest.fixture
def samples(tmp_path):
    path = write_dataset(tmp_path, [annotation(1, 10, [10, 5, 20, 15])])
    config = ModelConfig.from_name('yolact_resnet18').replace(input_size=64)
    return TrainingSamples(CocoDataset(path, tmp_path), training_recipe('standard', config), 0)


def load(samples, workers):
    with deaths_told():
        return list(SampleLoader(samples, collate, workers, batch_size=2))


def fail_at_second(monkeypatch, fail):
    """Let the second picture of a data set fail to be read."""
    whole = CocoDataset.read_image

    def read(dataset, index):
        return fail() if index == 1 else whole(dataset, index)

    monkeypatch.setattr(CocoDataset, 'read_image', read)


def run_out_of_memory():
    raise MemoryError


def resize_nothing():
    return cv2.resize(np.zeros((0, 0, 3), np.uint8), (4, 4))


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize(
    ('fail', 'text'),
    [
        (run_out_of_memory, r'/1\.png must be fit to train on: MemoryError$'),
        (resize_nothing, r'/1\.png must be fit to train on: error OpenCV'),
    ],
)
def test_the_picture_that_cannot_be_read_is_named(samples, monkeypatch, workers, fail, text):
    fail_at_second(monkeypatch, fail)
    with pytest.raises(InputError, match=text) as caught:
        load(samples, workers)
    assert 'Traceback' not in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('workers', [0, 1])
def test_a_sentence_leaves_a_worker_as_it_was(samples, tmp_path, workers):
    (tmp_path / '1.png').write_bytes(b'no picture')
    with pytest.raises(InputError) as wanted:
        samples[1]
    with pytest.raises(InputError) as caught:
        load(samples, workers)
    assert str(caught.value) == str(wanted.value)
    assert '1.png' in str(caught.value)


def test_batches_are_the_same_from_workers(samples):
    for (one, _), (other, _) in zip(load(samples, 0), load(samples, 1), strict=True):
        assert torch.equal(one, other)


def test_a_worker_that_is_killed_is_told(samples, monkeypatch):
    fail_at_second(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
    text = r'must not die \(DataLoader worker .*\): lower data.workers or batch_size'
    with pytest.raises(InputError, match=text):
        load(samples, 1)


def test_shared_memory_that_is_full_is_told(samples, monkeypatch):
    """A queue would lose the batch and wait for it for ever."""

    def refuse(_):
        raise RuntimeError('unable to write to file </torch_1>: No space left on device (28)')

    monkeypatch.setattr(torch.Tensor, 'share_memory_', refuse)
    with pytest.raises(InputError, match=r'RuntimeError: unable to write to file .*No space left'):
        load(samples, 1)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match='shapes'), deaths_told():
        raise RuntimeError('shapes do not fit')
