"""Images of any size become the input of networks and of graphs."""

import cv2
import numpy as np
import pytest
import torch

from yolact_core import ModelConfig
from yolact_core.inference.preprocessing import BytePreprocessor, Normalizer, Preprocessor

CONFIG = ModelConfig.from_name('yolact_resnet50').replace(input_size=64)


@pytest.fixture
def images(photo):
    return [photo, photo[:1, :1], photo[:1], photo[:, 5:6], photo[::-1, ::2], photo[..., ::-1]]


def test_bytes_are_the_floats_but_for_rounding(images):
    exact = Preprocessor(CONFIG)(images)
    images[0].flags.writeable = False  # as messages have them
    found = Normalizer(CONFIG)(BytePreprocessor(CONFIG)(images))
    assert found.shape == exact.shape == (len(images), 3, 64, 64)
    levels = (found - exact) * torch.tensor(CONFIG.std).view(3, 1, 1)
    assert 0.1 < levels.abs().max() < 0.75  # half a level, and what fixed point adds


def test_an_image_of_the_right_size_is_the_input(photo):
    stretched = cv2.resize(photo, (64, 64))
    (found,) = BytePreprocessor(CONFIG)([stretched])
    np.testing.assert_array_equal(found, stretched)
    exact = Preprocessor(CONFIG)([stretched])
    torch.testing.assert_close(Normalizer(CONFIG)(found[None]), exact, atol=1e-5, rtol=0)


@pytest.mark.parametrize('kind', [Preprocessor, BytePreprocessor])
def test_images_of_a_batch_are_as_they_are_alone(kind, images):
    preprocess = kind(CONFIG)
    together = preprocess(images).clone()
    for image, expected in zip(images, together, strict=True):
        assert torch.equal(preprocess([image])[0], expected)
