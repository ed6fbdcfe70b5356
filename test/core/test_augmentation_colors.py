import colorsys

import cv2
import numpy as np
import pytest

from yolact_core.training.augmentation import AugmentationOptions, appearance
from yolact_core.training.augmentation.appearance import distort

NEVER = AugmentationOptions()


class Script:
    """A generator that gives what it is told."""

    def __init__(self, coins, values):
        self._coins, self._values = list(coins), list(values)

    def random(self):
        return self._coins.pop(0)

    def uniform(self, _low, _high):
        return self._values.pop(0)


@pytest.fixture
def image(photo):
    return photo.astype(np.float32)


def test_without_luck_colours_stay(image):
    before = image.copy()
    distort(image, np.random.default_rng(0), probability=0.0)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize('contrast_coin', [0.0, 1.0])
def test_each_distortion_is_what_its_name_says(contrast_coin):
    image = np.array([[[200, 120, 40]]], dtype=np.float32)
    coins = [0.0, contrast_coin, 0.0, 0.0, 0.0]  # brightness, order, contrast, saturation, hue
    distort(image, Script(coins, [16.0, 0.5, 0.5, -12.0]), probability=0.5)
    red, green, blue = 216.0, 136.0, 56.0
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    turned = colorsys.hsv_to_rgb((hue - 12 / 360) % 1, saturation * 0.5, value)
    np.testing.assert_allclose(image[0, 0], 0.5 * np.array(turned), atol=0.01)


def test_a_hue_beyond_the_full_circle_comes_round():
    image = np.array([[[200, 0, 10]]], dtype=np.float32)
    turned = image.copy()
    distort(turned, Script([1.0, 1.0, 1.0, 1.0, 0.0], [18.0]), probability=0.5)
    hue, saturation, value = colorsys.rgb_to_hsv(*image[0, 0].tolist())
    expected = colorsys.hsv_to_rgb((hue + 18 / 360) % 1, saturation, value)
    np.testing.assert_allclose(turned[0, 0], expected, atol=0.01)


def test_no_camera_is_the_default(image):
    assert appearance.degrade(image, np.random.default_rng(0), NEVER) is image


@pytest.mark.parametrize(
    'name', ['gamma', 'grayscale', 'blur', 'motion_blur', 'noise', 'shot_noise', 'jpeg']
)
def test_an_effect_alters_the_image_but_not_what_it_shows(image, name):
    before = image.copy()
    options = AugmentationOptions(**{name: 1.0})
    found = appearance.degrade(image, np.random.default_rng(3), options)
    np.testing.assert_array_equal(image, before)
    assert found.shape == image.shape
    assert found.dtype == np.float32
    assert np.abs(found - image).mean() > 0.2
    blurred, before = (cv2.blur(picture.mean(axis=2), (9, 9)) for picture in (found, image))
    assert np.corrcoef(blurred.ravel(), before.ravel())[0, 1] > 0.8


def test_grey_has_three_equal_channels(image):
    grey = appearance.remove_color(image, np.random.default_rng(0))
    assert (grey == grey[..., :1]).all()


def test_gamma_keeps_black_and_white():
    ends = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.float32)
    found = appearance.change_gamma(ends, np.random.default_rng(0))
    np.testing.assert_allclose(found, ends, atol=1e-3)


@pytest.mark.parametrize('seed', range(8))
def test_motion_blur_keeps_the_brightness_and_its_kernel_is_a_line(seed):
    dot = np.zeros((31, 31, 3), dtype=np.float32)
    dot[15, 15] = 255
    streak = appearance.blur_by_motion(dot, np.random.default_rng(seed))[..., 0]
    assert streak.sum() == pytest.approx(255, rel=1e-4)
    rows, columns = np.nonzero(streak > 1e-3)
    assert 3 <= len(rows) <= 13
    spread = np.linalg.svd(np.stack([rows - rows.mean(), columns - columns.mean()]))[1]
    assert spread[1] < 0.5 * spread[0]


def test_shot_noise_is_stronger_in_the_light_and_sensor_noise_everywhere_the_same():
    halves = np.full((100, 200, 3), 10, dtype=np.float32)
    halves[:, 100:] = 250
    shot = appearance.add_shot_noise(halves, np.random.default_rng(0)) - halves
    sensor = appearance.add_noise(halves, np.random.default_rng(0)) - halves
    assert shot[:, 100:].std() == pytest.approx(5 * shot[:, :100].std(), rel=0.1)
    assert sensor[:, 100:].std() == pytest.approx(sensor[:, :100].std(), rel=0.1)


def test_jpeg_keeps_the_order_of_channels():
    red = np.zeros((16, 16, 3), dtype=np.float32)
    red[..., 0] = 200
    found = appearance.compress(red, np.random.default_rng(0))
    assert found[..., 0].mean() > 150
    assert found[..., 2].mean() < 50
