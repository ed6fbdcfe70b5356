"""Ctrl-C and SIGTERM at any moment end the node and the player with status 0 and no word."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / 'test' / 'data' / 'real_rooms'
BLOCKED = ('env', '--block-signal=INT')  # as the executables of "make setup" are started
SLEEP_WHILE_LOADING = """
import time
from yolact_core.detector import Detector
def load(*_, **__):
    print('loading')
    time.sleep(60)
    print('has gone on')
Detector.load = load
"""


@pytest.fixture(scope='module', autouse=True)
def _coreutils():
    if subprocess.run([*BLOCKED, 'true'], capture_output=True).returncode:
        pytest.skip('needs an env that blocks signals, as that of coreutils')


@pytest.mark.parametrize('words', [('yolact_node',), ('yolact_player', PICTURES, '--loop')])
@pytest.mark.parametrize('delay', [0.0, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4])
def test_ctrl_c_at_any_moment_of_the_start_is_silent(domain, words, delay, tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    script = ROOT / 'scripts' / words[0]
    with subprocess.Popen(
        [*BLOCKED, sys.executable, script, *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        time.sleep(0.005 + delay)  # env has blocked the signal by then
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert said == '' or said.startswith('published ')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_model_loads_ends_at_once(start_node, number):
    node = start_node(before=SLEEP_WHILE_LOADING)
    node.wait_for('loading')
    began = time.monotonic()
    assert node.stop(number) == 0
    assert time.monotonic() - began < 1.5
    assert node.log.strip() == 'loading'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_lifecycle_manager_lets_the_model_load_ends_soon(
    start_node, tester, number
):
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState

    node = start_node(before=SLEEP_WHILE_LOADING, autostart=False)
    node.wait_for('autostart is off')
    client = tester.node.create_client(ChangeState, '/yolact/change_state')
    assert client.wait_for_service(20.0)
    configure = Transition(id=Transition.TRANSITION_CONFIGURE)
    client.call_async(ChangeState.Request(transition=configure))
    node.wait_for('loading')
    began = time.monotonic()
    assert node.stop(number) == 0
    assert time.monotonic() - began < 4
    assert 'Traceback' not in node.log
    tester.node.destroy_client(client)


def test_two_signals_in_a_row_end_it_without_a_word(start_node):
    node = start_node('-r', '__ns:=/twice')
    node.wait_for('listens to /twice/image')
    before = node.log
    node.process.send_signal(signal.SIGINT)
    assert node.stop(signal.SIGTERM) == 0
    assert node.log == before
