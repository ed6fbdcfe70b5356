"""The node and the player are started wrongly: one sentence, exit status 2, nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from yolact_core.errors import InputError
from yolact_ros.process.environment import check_environment, choose_log_folder
from yolact_ros.process.joining import ros_errors, split_words

SCRIPTS = Path(__file__).parents[2] / 'scripts'
FILES = {
    'no YAML.yaml': 'a: [\n',
    'no section.yaml': 'yolact:\n  score_threshold: 0.5\n',
    'mixed.yaml': 'yolact:\n  ros__parameters:\n    classes: [chair, 1]\n',
    'binary.yaml': '\x00\x01\x02\x80' * 100,
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Work in a folder with bad parameter files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'folder.yaml').mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding='latin-1')


def run(program, *words, **variables):
    environment = {name: value for name, value in os.environ.items() if variables.get(name) != ''}
    environment.update({name: value for name, value in variables.items() if value})
    return subprocess.run(
        [sys.executable, SCRIPTS / program, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ('words', 'rule'),
    [
        (['--params-file', 'missing.yaml'], "got 'missing.yaml': Error opening YAML file"),
        (['--params-file', 'folder.yaml'], "got 'folder.yaml': it is a folder"),
        *((['--params-file', name], f'must be a YAML file .* got {name!r}') for name in FILES),
        (['--params-file'], 'No file path provided'),
        (['-p', 'foo'], "-p must be NAME:=VALUE .*, got 'foo'"),
        (['-p', 'x:='], "-p must be NAME:=VALUE .*, got 'x:='"),
        (['--param', ':=1'], "--param must be NAME:=VALUE .*, got ':=1'"),
        (['-r', 'foo'], "-r must be OLD:=NEW .*, got 'foo'"),
        (['--remap', 'image:=/1st'], "--remap must be OLD:=NEW .*, got 'image:=/1st'"),
        (['-r', '__node:=a/b'], "__node:=NAME .*, got '__node:=a/b'"),
        (['-r', '__ns:=robot'], "__ns:=/NAMESPACE, got '__ns:=robot'"),
        (['--log-level', 'loud'], "--log-level must be debug, .*, got 'loud'"),
        (['--log-level'], 'No log level provided'),
        (['-e'], 'No enclave path provided'),
    ],
)
def test_words_that_ros_cannot_read_are_refused_with_rule_and_word(files, words, rule, capfd):
    with pytest.raises(InputError, match=rule) as refused:
        split_words('yolact_node', ['--ros-args', *words])
    assert 'lexeme' not in str(refused.value)
    assert '.c:' not in str(refused.value)
    assert '[rcl]' not in ''.join(capfd.readouterr())


@pytest.mark.parametrize(
    ('name', 'value', 'rule'),
    [
        ('ROS_DOMAIN_ID', 'words', "must be a whole number from 0 to 232, got 'words'"),
        ('ROS_DOMAIN_ID', '-1', 'must be a whole number from 0 to 232'),
        ('ROS_DOMAIN_ID', '233', 'must be a whole number from 0 to 232'),
        ('RMW_IMPLEMENTATION', 'rmw_nope', "must be among rmw_.*, got 'rmw_nope'"),
        ('RCUTILS_COLORIZED_OUTPUT', 'yes', "must be 0 or 1, got 'yes'"),
        ('ROS_LOCALHOST_ONLY', 'true', "must be 0 or 1, got 'true'"),
        ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'subnet', "must be SUBNET or .*, got 'subnet'"),
        ('FASTDDS_DEFAULT_PROFILES_FILE', '/nope.xml', 'must name a file, .*No such file'),
        ('FASTRTPS_DEFAULT_PROFILES_FILE', __file__, 'must name an XML file'),
    ],
)
def test_variables_that_would_end_or_mislead_ros_are_refused(monkeypatch, name, value, rule):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f'{name} {rule}'):
        check_environment()


@pytest.mark.parametrize('variables', [{}, {'HOME': '/proc/nope'}, {'ROS_HOME': '/proc/nope'}])
def test_without_a_usable_home_logs_go_to_a_folder_that_is_told(monkeypatch, tmp_path, variables):
    for name in ('HOME', 'ROS_HOME', 'ROS_LOG_DIR'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('ROS_LOG_DIR', '')  # so that it is put back
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = choose_log_folder([])
    folder = Path(os.environ['ROS_LOG_DIR'])
    assert folder.is_dir()
    assert told.startswith(f'logs go to {folder}, because ')
    assert 'ROS_LOG_DIR names another folder' in told


def test_a_log_folder_that_was_named_must_be_writable_unless_there_is_no_log_file(monkeypatch):
    monkeypatch.setenv('ROS_LOG_DIR', '/proc/nope')
    with pytest.raises(InputError, match=r"ROS_LOG_DIR must be .* written to, got '/proc/nope'"):
        choose_log_folder([])
    assert choose_log_folder(['--ros-args', '--disable-external-lib-logs']) == ''


def test_a_missing_ros_is_told():
    with pytest.raises(InputError, match='setup sourced, but Python lacks rclpy'), ros_errors():
        raise ModuleNotFoundError('No module', name='rclpy')


@pytest.mark.parametrize('program', ['yolact_node', 'yolact_player'])
@pytest.mark.parametrize(
    ('words', 'variables', 'sentence'),
    [
        (['--ros-args', '-p', 'foo'], {}, "-p must be NAME:=VALUE .*, got 'foo'"),
        (['--ros-args', '--bogus'], {}, 'words after --ros-args must be arguments of ROS'),
        (['--ros-args', '-e', 'x'], {}, 'Enclave name is not valid'),
        ([], {'RMW_IMPLEMENTATION': 'rmw_nope'}, "RMW_IMPLEMENTATION must .*'rmw_nope'"),
        ([], {'ROS_LOG_DIR': '/proc/nope'}, 'ROS_LOG_DIR must be a folder'),
    ],
)
def test_a_wrong_start_ends_with_2_after_one_sentence(
    program, words, variables, sentence, tmp_path
):
    if program == 'yolact_player':
        (tmp_path / 'one.png').write_bytes(b'')
        words = [str(tmp_path), *words]
    ended = run(program, *words, **variables)
    assert ended.returncode == 2, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f'{program}: error: ')
    assert re.search(sentence, line), line
    assert not ended.stdout


def test_a_node_is_not_fed_with_what_it_draws_itself(tiny_model):
    words = ('-r', '~/overlay:=image', '-p', f'model.name:={tiny_model}')
    ended = run('yolact_node', '--ros-args', *words, '-p', 'model.backend:=torch')
    assert ended.returncode == 2
    assert re.search('topic of their own, but .* several of them /image', ended.stderr)


def test_words_that_nobody_knows_are_refused():
    ended = run('yolact_node', '--model', 'coco')
    assert ended.returncode == 2
    assert 'unrecognized arguments: --model coco' in ended.stderr
