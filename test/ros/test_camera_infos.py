"""Calibrations in messages, and what does not fit an image."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_ros.images.camera_info import to_calibration

SIZE = (48, 64)
PINHOLE = {'distortion_model': 'plumb_bob', 'd': [0.0] * 5}


def make_info(**fields):
    roi = SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0)
    values = {
        'height': 48,
        'width': 64,
        'distortion_model': 'plumb_bob',
        'd': [0.1, 0.0, 0.0, 0.0, 0.0],
        'k': [100.0, 0.0, 32.0, 0.0, 100.0, 24.0, 0.0, 0.0, 1.0],
        'p': [90.0, 0.0, 30.0, 0.0, 0.0, 90.0, 20.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        'binning_x': 0,
        'binning_y': 0,
        'roi': roi,
    }
    return SimpleNamespace(**{**values, **fields})


def ray_at(info, x, y, size=SIZE, *, is_rectified=False):
    return to_calibration(info, size).rays(is_rectified=is_rectified).table[y, x]


def test_raw_images_have_k_and_rectified_ones_have_p():
    info = make_info(**PINHOLE)
    np.testing.assert_allclose(ray_at(info, 42, 24), [0.1, 0.0], atol=1e-6)
    np.testing.assert_allclose(ray_at(info, 48, 29, is_rectified=True), [0.2, 0.1], atol=1e-6)


def test_distortion_bends_the_rays_of_raw_images():
    assert abs(ray_at(make_info(), 0, 0)[0]) < abs(ray_at(make_info(**PINHOLE), 0, 0)[0])


@pytest.mark.parametrize('name', ['', 'plumb_bob', 'of_some_maker'])
def test_a_lens_without_distortion_needs_no_model(name):
    info = make_info(distortion_model=name, d=[0.0] * 7)
    np.testing.assert_allclose(ray_at(info, 42, 24), [0.1, 0.0], atol=1e-6)


def test_a_fisheye_lens_bends_rays_even_where_its_numbers_are_zero():
    fisheye = make_info(distortion_model='equidistant', d=[0.0] * 4)
    np.testing.assert_allclose(ray_at(fisheye, 62, 24), [np.tan(0.3), 0.0], atol=1e-5)


def test_binning_and_region_of_interest_count():
    roi = SimpleNamespace(x_offset=20, y_offset=10, height=24, width=32)
    info = make_info(**PINHOLE, binning_x=2, binning_y=2, roi=roi)
    np.testing.assert_allclose(ray_at(info, 11, 7, (12, 16)), [0.1, 0.0], atol=1e-6)


def test_an_uncalibrated_camera_is_refused():
    with pytest.raises(InputError, match='above 0, got 0 and 0: the camera is not calibrated'):
        to_calibration(make_info(k=[0.0] * 9), SIZE)


def test_a_calibration_for_images_of_another_size_is_refused():
    with pytest.raises(InputError, match='must be for images of 128 x 96, got 64 x 48'):
        to_calibration(make_info(), (96, 128))
    with pytest.raises(InputError, match='must be for images of 64 x 48, got 32 x 48'):
        to_calibration(make_info(binning_x=2), SIZE)


def test_an_unknown_kind_of_distortion_is_refused():
    with pytest.raises(InputError, match="got 'of_some_maker'"):
        to_calibration(make_info(distortion_model='of_some_maker'), SIZE)
