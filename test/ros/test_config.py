"""The files in config fit the node."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from yolact_core.config.class_sets import class_set
from yolact_ros.node.settings import ROWS

CONFIG = Path(__file__).parents[2] / 'config'
PARAMETERS = CONFIG / 'yolact.yaml'
PROFILE = CONFIG / 'fastdds.xml'
LISTS = {'cameras', 'classes', 'nav.classes'}  # ROS cannot read empty lists, so these are comments
NAMESPACE = '{http://www.eprosima.com}'


def flatten(values, prefix=''):
    flat = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f'{prefix}{name}.'))
        else:
            flat[f'{prefix}{name}'] = value
    return flat


def as_yaml(value):
    return list(value) if isinstance(value, tuple) else value


def test_the_parameter_file_holds_every_parameter_and_its_default():
    values = flatten(yaml.safe_load(PARAMETERS.read_text())['/**']['ros__parameters'])
    defaults = {name: as_yaml(row.default) for name, row in ROWS.items() if name not in LISTS}
    assert values == defaults
    assert all(type(value) is type(defaults[name]) for name, value in values.items())
    assert PARAMETERS.read_text().count('# cameras: [') == 1
    assert PARAMETERS.read_text().count('# classes: [') == 2


def test_a_node_loads_the_parameter_file(start_node, tester):
    node = start_node('--params-file', str(PARAMETERS), '-p', 'autostart:=false')
    tester.until(lambda: 'yolact' in tester.node.get_node_names(), 'the node is there')
    for name, row in ROWS.items():
        if name not in {'autostart', 'model.name', 'score_threshold', *LISTS}:
            assert tester.get_parameter(name) == as_yaml(row.default)
    assert tester.state() == 'unconfigured'
    assert node.stop() == 0


def test_the_profile_has_room_for_five_large_images():
    root = ElementTree.parse(PROFILE).getroot()
    (size,) = (int(each.text) for each in root.iter(f'{NAMESPACE}segment_size'))
    assert size > 5 * 1920 * 1080 * 3
    declared = [
        each.text
        for each in root.iterfind(f'.//{NAMESPACE}transport_descriptor/{NAMESPACE}transport_id')
    ]
    used = [each.text for each in root.iterfind(f'.//{NAMESPACE}userTransports/*')]
    assert declared == used
    (participant,) = root.iter(f'{NAMESPACE}participant')
    assert participant.get('is_default_profile') == 'true'


@pytest.mark.parametrize('name', ['nav2_semantic_layer.yaml', 'nav2_obstacle_layer.yaml'])
def test_costmap_layers_take_topics_that_the_node_publishes(name):
    page = (CONFIG.parent / 'docs' / 'topics_and_parameters.md').read_text()
    values = flatten(yaml.safe_load((CONFIG / name).read_text()))
    topics = {value for key, value in values.items() if key.endswith('topic')}
    assert topics
    assert all(f'| `{topic.replace("/yolact/", "~/")}` |' in page for topic in topics)


def test_the_costmap_layer_expects_the_classes_that_the_node_is_told_to_publish():
    text = (CONFIG / 'nav2_semantic_layer.yaml').read_text()
    values = flatten(yaml.safe_load(text))
    classes = [one for key in values if key.endswith('.classes') for one in values[key]]
    (wanted,) = re.findall(r'nav\.classes:="\[(.*)\]"', text)
    assert wanted.split(', ') == classes
    assert set(classes) <= set(class_set('coco').values())
