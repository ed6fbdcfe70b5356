"""Camera infos from files, from a field of view, or of nothing known."""

from __future__ import annotations

import math

import pytest
import yaml

pytest.importorskip('rclpy', reason='ROS 2 is not installed', exc_type=ImportError)

from playing import CALIBRATION
from std_msgs.msg import Header

from yolact_core import InputError
from yolact_ros.player.calibration import calibrate, read_calibration


@pytest.fixture
def write(tmp_path):
    def write_file(**changes):
        values = {
            key: value for key, value in {**CALIBRATION, **changes}.items() if value is not None
        }
        path = tmp_path / 'camera.yaml'
        path.write_text(yaml.safe_dump(values))
        return path

    return write_file


def test_a_calibration_file_becomes_a_camera_info(write):
    header = Header(frame_id='lens')
    info = read_calibration(write()).to_message(header)
    assert info.header == header
    assert (info.width, info.height, info.distortion_model) == (640, 480, 'plumb_bob')
    assert list(info.k) == CALIBRATION['camera_matrix']['data']
    assert list(info.d) == CALIBRATION['distortion_coefficients']['data']
    assert list(info.r) == CALIBRATION['rectification_matrix']['data']
    assert list(info.p) == CALIBRATION['projection_matrix']['data']


def test_the_edges_of_the_image_span_the_field_of_view():
    info = calibrate((480, 640), 90.0).to_message(Header())
    focal, center = info.k[0], info.k[2]
    left, right = -0.5, 639.5  # pixel centres are at whole numbers
    angles = [math.degrees(math.atan2(edge - center, focal)) for edge in (left, right)]
    assert angles == pytest.approx([-45, 45])
    assert info.k[4] == focal
    assert info.k[5] == 239.5
    assert list(info.p[:3]) == list(info.k[:3])


def test_nothing_known_is_an_uncalibrated_camera():
    info = calibrate((480, 640), None).to_message(Header())
    assert (info.height, info.width) == (480, 640)
    assert info.k[0] == 0  # the sign that sensor_msgs defines


@pytest.mark.parametrize(
    ('changes', 'text'),
    [
        ({'camera_matrix': None}, "must have the key 'camera_matrix'"),
        ({'camera_matrix': {'data': [1, 2]}}, 'camera_matrix .* must have 9 numbers, got 2'),
        ({'image_width': 'wide'}, 'must hold numbers'),
        ({'distortion_coefficients': 3}, 'must hold numbers'),
    ],
)
def test_a_wrong_calibration_is_refused(write, changes, text):
    with pytest.raises(InputError, match=text):
        read_calibration(write(**changes))


@pytest.mark.parametrize(
    ('content', 'text'), [('- 1', 'hold keys and values, got list'), ('{', 'readable YAML')]
)
def test_what_is_no_calibration_is_refused(tmp_path, content, text):
    path = tmp_path / 'camera.yaml'
    path.write_text(content)
    with pytest.raises(InputError, match=text):
        read_calibration(path)
    with pytest.raises(InputError, match='readable YAML'):
        read_calibration(tmp_path / 'missing.yaml')
