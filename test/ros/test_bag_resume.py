"""Runs over a bag that were killed, stopped, or met a full disk, go on where they were."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import image_item, jpeg_item, read_messages, write_bag

from yolact_ros.bag.replay import replay

COUNT = 10


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Return a bag of two cameras."""
    items = [image_item(index) for index in range(COUNT)]
    items += [jpeg_item(index) for index in range(0, COUNT, 2)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


def test_parts_are_joined_without_a_trace(bag, run_bag, tmp_path):
    assert run_bag(bag, tmp_path / 'whole.mcap') == 0
    assert run_bag(bag, tmp_path / 'parts' / 'whole.mcap', '--part-images', 4) == 0
    assert (tmp_path / 'parts' / 'whole.mcap').read_bytes() == (
        tmp_path / 'whole.mcap'
    ).read_bytes()
    assert list((tmp_path / 'parts').iterdir()) == [tmp_path / 'parts' / 'whole.mcap']


def count_instances(parts):
    """Return how many images have results in some parts."""
    messages = [read_messages(part) for part in parts]
    return sum(len(one) for found in messages for name, one in found.items() if 'inst' in name)


KILLED = """
import os, signal, sys
from yolact_core.cli import main
from yolact_ros.bag.replay import replay
before, count = replay.to_result, 0
def to_result(*arguments):
    global count
    count += 1
    if count == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*arguments)
replay.to_result = to_result
sys.exit(main(sys.argv[1:]))
"""


def test_a_run_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(
    bag, run_bag, tmp_path, tiny_model, capsys
):
    assert run_bag(bag, tmp_path / 'whole' / 'out.mcap') == 0
    words = ['bag', 'run', bag, '--output', tmp_path / 'out.mcap', '--model', tiny_model]
    words += ['--device', 'cpu', '--score-threshold', '0.05', '--part-images', 3]
    died = subprocess.run([sys.executable, '-c', KILLED, *map(str, words)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert not (tmp_path / 'out.mcap').exists()
    parts = sorted((tmp_path / 'out.mcap.parts').glob('*.mcap'))
    assert len(parts) == 2
    assert count_instances(parts) == 6
    capsys.readouterr()
    assert run_bag(bag, tmp_path / 'out.mcap', '--part-images', 3) == 0
    assert '6 of them were done by an earlier run' in capsys.readouterr().out
    assert (tmp_path / 'out.mcap').read_bytes() == (tmp_path / 'whole' / 'out.mcap').read_bytes()
    assert not (tmp_path / 'out.mcap.parts').exists()


def test_parts_of_another_run_are_refused_or_dropped(bag, run_bag, tmp_path, capsys):
    folder = tmp_path / 'out.mcap.parts'
    folder.mkdir()
    (folder / 'plan.json').write_text('{}')
    assert run_bag(bag, tmp_path / 'out.mcap') == 2
    assert 'must be left by the same command' in capsys.readouterr().err
    assert run_bag(bag, tmp_path / 'out.mcap', '--restart') == 0


def test_ctrl_c_ends_after_the_image_and_keeps_what_is_done(
    bag, run_bag, tmp_path, monkeypatch, capsys
):
    before, count = replay.to_result, 0

    def to_result(*arguments):
        nonlocal count
        count += 1
        if count == 8:
            signal.raise_signal(signal.SIGINT)
        return before(*arguments)

    monkeypatch.setattr(replay, 'to_result', to_result)
    assert run_bag(bag, tmp_path / 'out.mcap') == 130
    said = capsys.readouterr().out
    assert said.startswith('8 images')
    assert 'stopped; what is done is in' in said
    (part,) = (tmp_path / 'out.mcap.parts').glob('*.mcap')
    assert count_instances([part]) == 8
    assert run_bag(bag, tmp_path / 'out.mcap') == 0
    assert len(read_messages(tmp_path / 'out.mcap')['/yolact/camera/instances']) == COUNT


@contextmanager
def full_disk(size):
    """Let no file grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
@pytest.mark.parametrize(('size', 'done'), [(300_000, COUNT), (100_000, 0)])
def test_a_full_disk_keeps_what_is_done_and_the_run_goes_on(size, done, run_bag, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', [image_item(index) for index in range(COUNT)])
    words = (bag, tmp_path / 'out.mcap', '--outputs', 'instances,overlay', '--part-images', 4)
    with full_disk(size):  # enough for a part, but not for the whole; or not for a part
        assert run_bag(*words) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1
    assert 'disk must have room for the results, but it is full (File too large)' in said
    assert f'{done} images are done' in said
    parts = sorted((tmp_path / 'out.mcap.parts').glob('*.mcap'))
    assert sum(len(read_messages(part)['/yolact/instances']) for part in parts) == done
    assert run_bag(*words) == 0
    assert len(read_messages(tmp_path / 'out.mcap')['/yolact/instances']) == COUNT
