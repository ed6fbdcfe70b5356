"""The configuration of RViz shows what the node publishes, as the node publishes it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

PATH = Path(__file__).parents[2] / 'config' / 'yolact.rviz'
PLAYER_FRAME = 'camera'
TYPES = {  # of the messages that displays take
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
    'rviz_default_plugins/PointCloud2': 'sensor_msgs/msg/PointCloud2',
}


@pytest.fixture(scope='module')
def manager():
    return yaml.safe_load(PATH.read_text())['Visualization Manager']


@pytest.fixture(scope='module')
def topics(manager):
    displays = manager['Displays']
    return {
        display['Topic']['Value']: (display['Class'], display['Topic']) for display in displays
    }


def test_overlay_labels_and_objects_are_shown_and_prototypes_can_be(manager):
    shown = {display['Topic']['Value']: display['Enabled'] for display in manager['Displays']}
    assert shown == {
        '/yolact/overlay': True,
        '/yolact/label_image': True,
        '/yolact/prototypes': False,
        '/yolact/markers': True,
        '/yolact/objects/points': True,
    }
    assert manager['Global Options']['Fixed Frame'] == PLAYER_FRAME


def test_all_topics_exist_and_are_compatible(topics, start_node, tester):
    node = start_node()
    node.wait_for('listens to /image')
    for name, (display, topic) in topics.items():
        tester.until(lambda name=name: tester.node.count_publishers(name) == 1, name)
        (publisher,) = tester.node.get_publishers_info_by_topic(name)
        assert publisher.topic_type == TYPES[display]
        qos = publisher.qos_profile
        assert qos.reliability.name == topic['Reliability Policy'].upper() == 'RELIABLE'
        assert qos.durability.name == topic['Durability Policy'].upper() == 'VOLATILE'
        assert topic['History Policy'] == 'Keep Last'
