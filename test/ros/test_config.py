"""The files in config fit the node."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from yolact_ros.node.settings import ROWS

CONFIG = Path(__file__).parents[2] / 'config'
PARAMETERS = CONFIG / 'yolact.yaml'
PROFILE = CONFIG / 'fastdds.xml'
LISTS = {'cameras', 'classes'}  # ROS cannot read empty lists, so these are comments
NAMESPACE = '{http://www.eprosima.com}'


def flatten(values, prefix=''):
    flat = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f'{prefix}{name}.'))
        else:
            flat[f'{prefix}{name}'] = value
    return flat


def test_the_parameter_file_holds_every_parameter_and_its_default():
    values = flatten(yaml.safe_load(PARAMETERS.read_text())['/**']['ros__parameters'])
    assert values == {name: row.default for name, row in ROWS.items() if name not in LISTS}
    assert all(type(value) is type(ROWS[name].default) for name, value in values.items())
    assert all(f'# {name}: [' in PARAMETERS.read_text() for name in LISTS)


def test_a_node_loads_the_parameter_file(start_node, tester):
    node = start_node('--params-file', str(PARAMETERS), '-p', 'autostart:=false')
    tester.until(lambda: 'yolact' in tester.node.get_node_names(), 'the node is there')
    for name, row in ROWS.items():
        if name not in {'autostart', 'model.name', 'score_threshold', *LISTS}:
            assert tester.get_parameter(name) == row.default
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
