"""What the core says reaches those who read the log of the node."""

import logging

import pytest

get_logger = pytest.importorskip('rclpy.logging', reason='needs ROS 2: make setup').get_logger

from yolact_core.terminal import handle_logs  # noqa: E402
from yolact_ros.node.command import RosLog  # noqa: E402 - only where ROS 2 is


def test_the_core_speaks_in_the_log_of_the_node_with_its_severity(capfd):
    core = logging.getLogger('yolact_core.runtimes.model_loading')
    with handle_logs(RosLog(get_logger('camera_node'))):
        core.info('measuring %s, once', 'backends')
        core.warning('backend %s takes no part', 'onnx')
    core.info('said too late')
    said = capfd.readouterr().err
    assert '[INFO]' in said.splitlines()[0]
    assert '[camera_node]: measuring backends, once' in said.splitlines()[0]
    assert '[WARN]' in said.splitlines()[1]
    assert '[camera_node]: backend onnx takes no part' in said.splitlines()[1]
    assert 'too late' not in said
