"""Rays of cameras with and without distortion, and calibrations that are refused."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_core.lifting import Calibration

SIZE = (120, 160)
MATRIX = np.array([[140.0, 0, 81], [0, 150, 58], [0, 0, 1]])
LENSES = {
    'plumb_bob': [-0.28, 0.11, 0.001, -0.002, -0.02],
    'rational_polynomial': [0.5, -2.7, 0.0005, -0.0002, 1.6, 0.38, -2.5, 1.5],
    'equidistant': [0.1, -0.03, 0.01, -0.002],
}
YAML = """
image_width: 160
image_height: 120
camera_name: front
camera_matrix: {rows: 3, cols: 3, data: [140, 0, 81, 0, 150, 58, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.28, 0.11, 0.001, -0.002, -0.02]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [130, 0, 80, 0, 0, 131, 60, 0, 0, 0, 1, 0]}
"""


def calibrated(**values):
    given = {'size': SIZE, 'matrix': MATRIX, 'distortion': np.zeros(0), 'model': ''}
    return Calibration(**{**given, **values})


def project(rays, matrix, distortion, model):
    """Return the pixels x, y at which a lens shows rays, by the formulas of ROS and OpenCV."""
    x, y = rays[..., 0].astype(np.float64), rays[..., 1].astype(np.float64)
    radius = np.hypot(x, y)
    if model == 'equidistant':
        angle = np.arctan(radius)
        k1, k2, k3, k4 = distortion
        seen = angle * (1 + k1 * angle**2 + k2 * angle**4 + k3 * angle**6 + k4 * angle**8)
        scale = np.divide(seen, radius, out=np.ones_like(seen), where=radius > 0)
        x, y = x * scale, y * scale
    else:
        k1, k2, p1, p2, k3, k4, k5, k6 = [*distortion, 0, 0, 0, 0][:8]
        square = radius**2
        scale = (1 + k1 * square + k2 * square**2 + k3 * square**3) / (
            1 + k4 * square + k5 * square**2 + k6 * square**3
        )
        x, y = (
            x * scale + 2 * p1 * x * y + p2 * (square + 2 * x**2),
            y * scale + p1 * (square + 2 * y**2) + 2 * p2 * x * y,
        )
    return x * matrix[0, 0] + matrix[0, 2], y * matrix[1, 1] + matrix[1, 2]


@pytest.mark.parametrize('model', LENSES)
def test_rays_of_a_distorted_image_meet_their_pixels_again(model):
    distortion = np.array(LENSES[model])
    rays = calibrated(distortion=distortion, model=model).rays(is_rectified=False)
    x, y = project(rays.table, MATRIX, distortion, model)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    assert np.abs(x - columns).max() < 0.01
    assert np.abs(y - rows).max() < 0.01
    plain = calibrated().rays(is_rectified=False).table
    assert np.abs(plain - rays.table).max() > 0.01  # or the lens would not matter


@pytest.mark.parametrize('model', ['', 'plumb_bob', 'rational_polynomial'])
def test_a_lens_without_distortion_is_a_pinhole(model):
    rays = calibrated(distortion=np.zeros(0), model=model).rays(is_rectified=False)
    assert rays.size == SIZE
    assert rays.table.dtype == np.float32
    np.testing.assert_allclose(rays.table[7, 23], [(23 - 81) / 140, (7 - 58) / 150], rtol=1e-6)


def test_rays_of_a_rectified_image_come_from_its_projection_matrix():
    projection = np.array([[130.0, 0, 80, -9], [0, 131, 60, 0], [0, 0, 1, 0]])
    camera = calibrated(
        distortion=np.array(LENSES['plumb_bob']), model='plumb_bob', projection=projection
    )
    table = camera.rays(is_rectified=True).table
    np.testing.assert_allclose(table[7, 23], [(23 - 80) / 130, (7 - 60) / 131], rtol=1e-6)


def test_a_rectified_image_without_projection_matrix_has_the_camera_matrix():
    table = calibrated().rays(is_rectified=True).table
    np.testing.assert_array_equal(table, calibrated().rays(is_rectified=False).table)


def test_pixels_that_show_nothing_in_front_have_no_ray():
    matrix = np.array(
        [[40.0, 0, 80], [0, 40, 60], [0, 0, 1]]
    )  # 80 pixels are more than 90 degrees
    fisheye = calibrated(matrix=matrix, distortion=np.zeros(4), model='equidistant')
    table = fisheye.rays(is_rectified=False).table
    assert np.isnan(table[0, 0]).all()
    np.testing.assert_allclose(table[60, 100], [np.tan(0.5), 0], atol=1e-5)


def test_points_lie_on_their_rays():
    rays = calibrated().rays(is_rectified=False)
    points = rays.to_points(np.array([[81, 58], [151, 58]]), np.array([2, 4], np.float32))
    np.testing.assert_allclose(points, [[0, 0, 2], [2, 0, 4]], atol=1e-6)
    np.testing.assert_array_equal(rays.crop(10, 20, 30, 40, step=3), rays.table[20:50:3, 10:50:3])


def test_rays_go_on_beside_pixel_centres_and_beyond_the_image():
    rays = calibrated().rays(is_rectified=False)
    pixels = np.array([[10, 20], [0, 0], [159, 0], [159, 119]])
    offsets = np.array([[0.5, 0], [0, -0.5], [-0.25, 0.25]])
    truth = (pixels[:, None] + offsets - [81, 58]) / [140, 150]
    np.testing.assert_allclose(rays.beside(pixels, offsets), truth, atol=1e-6)
    assert rays.beside(np.zeros((0, 2), np.int64), offsets).shape == (0, 3, 2)


def test_a_calibration_file_of_ros_is_read(tmp_path):
    path = tmp_path / 'camera.yaml'
    path.write_text(YAML)
    camera = Calibration.read(path)
    assert (camera.size, camera.model) == (SIZE, 'plumb_bob')
    np.testing.assert_array_equal(camera.matrix, MATRIX)
    np.testing.assert_array_equal(camera.distortion, LENSES['plumb_bob'])
    assert camera.projection[0].tolist() == [130, 0, 80, 0]


@pytest.mark.parametrize(
    ('before', 'after', 'sentence'),
    [
        ('image_width: 160', '', 'image_width must be a whole number, got None'),
        ('0, 0, 1]}\ndist', '0, 0]}\ndist', 'camera_matrix must hold 9 numbers as data, got {'),
        ('camera_matrix: {rows: 3, cols: 3, data:', 'x: {a:', 'camera_matrix must hold 9 numbers'),
        ('plumb_bob', 'fisheye9', 'must be one of plumb_bob, rational_polynomial, equidistant, '),
        ('-0.28, ', '', 'distortion plumb_bob must have 0 or 4 or 5 numbers, got 3'),
    ],
)
def test_a_calibration_file_that_lacks_something_says_what(before, after, sentence, tmp_path):
    path = tmp_path / 'camera.yaml'
    text = YAML.replace(before, after)
    path.write_text(text.replace('0.11, ', '') if before == '-0.28, ' else text)
    with pytest.raises(InputError, match=re.escape(str(path)) + '.*' + re.escape(sentence)):
        Calibration.read(path)


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'size': (0, 160)}, r'height and width must be at least 2, got \(0, 160\)'),
        ({'matrix': np.zeros((3, 3))}, 'got 0 and 0: the camera is not calibrated'),
        ({'matrix': np.full((3, 3), np.nan)}, 'camera matrix must be finite'),
        ({'matrix': np.eye(2)}, r'camera matrix must be .* of shape \(3, 3\)'),
        ({'model': 'plumbob'}, "distortion model must be one of plumb_bob, .* got 'plumbob'"),
        ({'model': 'equidistant'}, 'distortion equidistant must have 4 numbers, got 0'),
        ({'distortion': np.zeros(5)}, 'distortion without a model must have 0 numbers, got 5'),
        (
            {'distortion': np.full(5, np.inf), 'model': 'plumb_bob'},
            'distortion must be finite, got .inf',
        ),
    ],
)
def test_a_calibration_that_is_none_is_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        calibrated(**values)


def test_a_projection_matrix_of_zeros_is_refused_where_it_is_needed():
    camera = calibrated(projection=np.zeros((3, 4)))
    assert camera.rays(is_rectified=False).size == SIZE
    with pytest.raises(InputError, match='focal lengths in the projection matrix must be above 0'):
        camera.rays(is_rectified=True)


def test_rays_agree_with_opencv_where_its_own_rectification_leads():
    distortion = np.array(LENSES['plumb_bob'])
    camera = calibrated(distortion=distortion, model='plumb_bob', projection=None)
    rays = camera.rays(is_rectified=False)
    maps = cv2.initUndistortRectifyMap(MATRIX, distortion, None, MATRIX, SIZE[::-1], cv2.CV_32FC1)
    rectified = cv2.remap(rays.table, *maps, cv2.INTER_LINEAR, borderValue=(np.nan, np.nan))
    plain = camera.rays(is_rectified=True).table
    difference = np.abs(rectified - plain)[2:-2, 2:-2]
    assert np.nanmax(difference) < 1e-3
