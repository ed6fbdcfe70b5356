"""The launch files, run by the real launch."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip(
    'launch_ros.actions', reason='needs launch and launch_ros, which come with ROS 2 only'
)
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.launch_description_sources import get_launch_description_from_python_launch_file
from yolact.msg import InstanceArray

ROOT = Path(__file__).parents[2]
NODE, REPLAY = (ROOT / 'launch' / f'{name}.launch.py' for name in ('yolact', 'replay'))
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
arguments = [tuple(word.split(':=', 1)) for word in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
include = IncludeLaunchDescription(source, launch_arguments=arguments)
service = LaunchService()
service.include_launch_description(LaunchDescription([include]))
sys.exit(service.run())
"""
LONGEST = 60.0  # seconds, on a busy machine


@pytest.fixture(scope='module', autouse=True)
def _installed():
    try:
        prefix = Path(get_package_prefix('yolact'))
    except PackageNotFoundError:
        pytest.skip('needs the installed package: make setup, or colcon build')
    if not (prefix / 'lib' / 'yolact' / 'yolact_player').is_file():
        pytest.skip('needs the installed executables: make setup, or colcon build')


@pytest.fixture
def start_launch(domain, tmp_path):
    processes = []

    def start(file, *words, **variables):
        log = tmp_path / f'launch{len(processes)}.log'
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(domain),
            'ROS_LOG_DIR': str(tmp_path),
            'OMP_NUM_THREADS': '1',
            'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}',
            **variables,
        }
        with log.open('w') as output:
            process = subprocess.Popen(
                [sys.executable, '-c', LAUNCH, str(file), *words],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        return process, log

    yield start
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(LONGEST)


def wait_for(words, process, log):
    deadline = time.monotonic() + LONGEST
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def end(process, log):
    process.send_signal(signal.SIGINT)
    assert process.wait(LONGEST) == 0
    assert 'process has finished cleanly' in log.read_text()


def arguments_of(file):
    description = get_launch_description_from_python_launch_file(str(file))
    return {argument.name: argument for argument in description.get_launch_arguments()}


def test_all_arguments_are_listed_and_described():
    node, replay = arguments_of(NODE), arguments_of(REPLAY)
    assert list(node) == [
        'model',
        'device',
        'image',
        'depth',
        'camera_info',
        'image_transport',
        'namespace',
        'params_file',
        'use_sim_time',
        'autostart',
        'rviz',
        'log_level',
    ]
    assert set(node) < set(replay)
    assert all(each.description for each in [*node.values(), *replay.values()])
    assert replay['source'].default_value is None  # the only one that must be given
    assert [name for name in replay if replay[name].default_value is None] == ['source']
    assert Path(node['params_file'].default_value[0].text).is_file()


def test_the_node_gets_its_arguments(start_launch, tester, tiny_model):
    words = (f'model:={tiny_model}', 'device:=cpu', 'image:=/front/image_raw', 'namespace:=robot')
    process, log = start_launch(NODE, *words)
    wait_for('listens to /front/image_raw', process, log)
    assert f'loaded {tiny_model}' in log.read_text()
    assert tester.state('/robot/yolact') == 'active'
    assert tester.node.count_publishers('/robot/yolact/instances') == 1
    end(process, log)


def test_arguments_come_before_the_parameter_file_which_comes_before_defaults(
    start_launch, tester, tiny_model, tmp_path
):
    file = tmp_path / 'mine.yaml'
    file.write_text(
        'yolact:\n  ros__parameters:\n    model: {name: nope, device: cpu}\n'
        '    autostart: false\n    score_threshold: 0.125\n'
    )
    process, log = start_launch(NODE, f'params_file:={file}', f'model:={tiny_model}')
    tester.until(lambda: ('yolact', '/') in names_of(tester), 'the node is there')
    assert tester.state() == 'unconfigured'  # as the file says, since no argument does
    assert tester.get_parameter('score_threshold') == 0.125
    assert tester.get_parameter('model.name') == str(tiny_model)
    end(process, log)


def names_of(tester):
    return tester.node.get_node_names_and_namespaces()


@pytest.mark.parametrize('given', [None, 'mine.xml'])
def test_the_profile_for_images_is_used_unless_another_is_set(
    start_launch, tester, tmp_path, given
):
    profile = ROOT / 'config' / 'fastdds.xml'
    variable = runpy.run_path(str(NODE))['PROFILE_VARIABLE']
    variables = {}
    if given is not None:
        profile = shutil.copy(profile, tmp_path / given)
        variables = {variable: str(profile)}
    process, log = start_launch(NODE, 'autostart:=false', **variables)
    wait_for('process started with pid', process, log)
    pid = re.search(r'yolact_node-1\]: process started with pid \[(\d+)\]', log.read_text())[1]
    environment = Path(f'/proc/{pid}/environ').read_bytes().decode().split('\0')
    assert f'{variable}={profile}' in environment
    tester.until(lambda: ('yolact', '/') in names_of(tester), 'the node is there')
    end(process, log)


def test_a_folder_is_replayed_through_the_node_to_its_end(
    start_launch, tester, tiny_model, photo, tmp_path
):
    from yolact_core.media.image_files import write_image

    folder = tmp_path / 'images'
    for index in range(6):
        write_image(folder / f'{index}.png', photo)
    instances = []
    tester.node.create_subscription(InstanceArray, '/yolact/instances', instances.append, 10)
    process, log = start_launch(REPLAY, f'source:={folder}', f'model:={tiny_model}', 'rate:=5')
    tester.until(lambda: process.poll() is not None, 'it has ended', timeout=LONGEST)
    assert process.returncode == 0, log.read_text()
    assert 'published 6 images on /image' in log.read_text()
    assert len(instances) == 6
    assert instances[0].header.frame_id == 'camera'


def test_simulated_time_comes_from_the_player(start_launch, tester, tiny_model, photo, tmp_path):
    from yolact_core.media.image_files import write_image

    write_image(tmp_path / 'images' / 'one.png', photo)
    words = (f'source:={tmp_path / "images"}', f'model:={tiny_model}', 'use_sim_time:=true')
    process, log = start_launch(REPLAY, *words, 'loop:=true')
    wait_for('listens to /image', process, log)
    tester.until(lambda: tester.node.count_publishers('/clock') == 1, 'there is a clock')
    assert tester.get_parameter('use_sim_time') is True
    end(process, log)


def test_a_source_that_does_not_exist_ends_all(start_launch, tiny_model):
    process, log = start_launch(REPLAY, 'source:=nope', f'model:={tiny_model}')
    process.wait(LONGEST)
    assert "source must be a bag, a video, an image or a folder, got 'nope'" in log.read_text()


@pytest.mark.parametrize('word', ['log_level:=loud', 'rviz:=maybe', 'use_sim_time:=perhaps'])
def test_what_cannot_be_is_refused(start_launch, word):
    process, log = start_launch(NODE, word)
    assert process.wait(LONGEST) != 0
    name, value = word.split(':=')
    assert f'Argument "{name}" provided value "{value}" is not valid' in log.read_text()


def test_rviz_is_started_when_asked_for(start_launch):
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        process, log = start_launch(NODE, 'autostart:=false', 'rviz:=true')
        assert process.wait(LONGEST) != 0
        assert "package 'rviz2' not found" in log.read_text()
    else:
        pytest.skip('RViz is installed, but there may be no screen')
