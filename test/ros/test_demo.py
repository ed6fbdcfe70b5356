"""The demo as a user runs it: camera, node and recorder in processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')
pytest.importorskip('rosbags', reason='needs rosbags: pip install rosbags')

import yolact_ros.demo
from yolact_core.media.image_files import read_image
from yolact_core.media.videos import VideoReader
from yolact_ros.demo import __main__ as command
from yolact_ros.demo import recorder
from yolact_ros.demo.report import Results, arrange, one_a_second
from yolact_ros.demo.space_report import find_moments
from yolact_ros.images.decoding import compressed_to_rgb
from yolact_ros.player.recording import BagRecording, RecordedMessage

ROOMS = Path(yolact_ros.demo.__file__).parent / 'rooms' / 'rooms.mcap'
PICTURES = Path(__file__).parents[1] / 'data' / 'real_rooms'
OUTCOMES = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')
DEMO = (sys.executable, '-m', 'yolact_ros.demo', '--backend', 'torch')
LONGEST = 240.0  # seconds, on a busy machine


@pytest.fixture
def start_demo(domain, tmp_path):
    """Start demos in process groups of their own, as a terminal does."""
    started = []

    def start(*words):
        started.append(
            subprocess.Popen(
                [*DEMO, '--output', tmp_path, *words],
                env={**os.environ, 'ROS_DOMAIN_ID': str(domain), 'OMP_NUM_THREADS': '1'},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=LONGEST)


@pytest.fixture(scope='module')
def finished(domain, tiny_model, tmp_path_factory):
    """Run a whole demo; return its output folder and what it said."""
    folder = tmp_path_factory.mktemp('demo')
    words = ['--model', tiny_model, '--seconds', '3', '--score-threshold', '0.05']
    answer = subprocess.run(
        [*DEMO, '--output', folder, *words],
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain), 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert (answer.returncode, answer.stderr) == (0, '')
    return folder, answer.stdout


def stamp_of(message):
    return message.header.stamp.sec, message.header.stamp.nanosec


def wait_for(words, log):
    deadline = time.monotonic() + LONGEST
    while not (log.is_file() and words in log.read_text()):
        assert time.monotonic() < deadline, f'{log} never said {words!r}'
        time.sleep(0.05)


def count_processes(group):
    """Return how many processes of a group are alive."""
    count = 0
    for path in Path('/proc').glob('[0-9]*/stat'):
        try:
            state, _, of_group = path.read_text().rpartition(')')[2].split()[:3]
        except OSError:  # it has just ended
            continue
        count += int(of_group) == group and state != 'Z'
    return count


def test_every_image_is_accounted_for(finished):
    folder, _ = finished
    summary = json.loads((folder / 'summary.json').read_text())
    images = summary['images']
    assert images['published'] == 30
    assert images['received'] == sum(images[outcome] for outcome in OUTCOMES)
    assert images['published'] == images['received'] + images['lost']
    assert images['processed'] > 0
    assert summary['model'].startswith('tiny@')
    assert set(summary['instances']) <= {'person', 'chair', 'cup'}
    assert all(ms['p50'] <= ms['p95'] <= ms['max'] for ms in summary['milliseconds'].values())


def test_results_carry_the_stamps_of_the_images_that_were_published(finished):
    results = Results(finished[0] / 'results.mcap')
    published = {stamp_of(entry.message) for entry in results.of(recorder.CAMERA_INFO)}
    answered = [stamp_of(entry.message) for entry in results.of(recorder.INSTANCES)]
    assert len(published) == 30
    assert len(answered) == len(set(answered))
    assert set(answered) <= published
    for topic in (recorder.TIMING, recorder.OVERLAY):
        assert [stamp_of(entry.message) for entry in results.of(topic)] == answered


def test_video_and_contact_sheet_show_the_overlays(finished):
    folder, _ = finished
    overlays = Results(folder / 'results.mcap').of(recorder.OVERLAY)
    reader = VideoReader(folder / 'overlay.mp4')
    shown = [rgb for _, rgb in reader.images()]
    reader.close()
    assert len(shown) == len(overlays)
    difference = shown[0].astype(int) - compressed_to_rgb(overlays[0].message)
    assert np.abs(difference).mean() < 8
    sheet = read_image(folder / 'contact_sheet.png')
    assert sheet.shape == (302, 3 * 404 - 4, 3)  # one tile for each of three seconds


def test_the_table_names_stages_drops_instances_and_files(finished):
    folder, said = finished
    for words in ('30 images: ', 'dropped busy', 'results a second', 'inference', 'instances: '):
        assert words in said
    for name in ('results.mcap', 'overlay.mp4', 'contact_sheet.png', 'summary.json'):
        assert f'{folder / name}: ' in said
        assert (folder / name).stat().st_size > 0


def test_the_part_with_depth_leaves_objects_in_space_under_the_stamps_of_the_images(finished):
    results = Results(finished[0] / 'objects.mcap', recorder.TOPICS_IN_SPACE)
    published = {stamp_of(entry.message) for entry in results.of(recorder.CAMERA_INFO)}
    answered = [stamp_of(entry.message) for entry in results.of(recorder.INSTANCES)]
    assert len(published) == 45  # three seconds of the rendered room
    assert set(answered) <= published
    for topic in (recorder.OBJECTS, recorder.POINTS):
        assert [stamp_of(entry.message) for entry in results.of(topic)] == answered
    moments = find_moments(results)
    assert [stamp_of(moment.objects) for moment in moments] == answered
    found = [one for moment in moments for one in moment.objects.objects]
    assert found
    assert all(0.2 < one.depth < 8 for one in found)  # it is a room


def test_the_part_with_depth_leaves_a_picture_and_a_table(finished):
    folder, said = finished
    picture = read_image(folder / 'objects.png')
    moments = find_moments(Results(folder / 'objects.mcap', recorder.TOPICS_IN_SPACE))
    overlay = compressed_to_rgb(moments[0].overlay)
    width = round(overlay.shape[1] * 720 / overlay.shape[0])
    assert picture.shape == (720, 2 * width + 4, 3)
    image, cloud = picture[:, :width], picture[:, width + 4 :]
    nearest = max(moments, key=lambda moment: len(moment.objects.objects))
    shown = cv2.resize(compressed_to_rgb(nearest.overlay), (width, 720)).astype(int)
    assert np.median(np.abs(shown - image)) < 4  # tags aside
    assert 0.001 < (cloud != cloud[0, 0]).any(axis=2).mean() < 0.9
    count = sum(len(moment.objects.objects) for moment in moments)
    assert f'{count} objects in space in {len(moments)} images' in said
    assert f'{folder / "objects.png"}: ' in said


def test_where_only_the_package_is_the_part_with_depth_is_left_out_in_words(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(command, 'RENDERED', tmp_path / 'absent.mcap')
    monkeypatch.setattr(command, 'play', pytest.fail)
    options = command.Options(output=tmp_path)
    assert command._play_with_depth(options, lambda: False) == 0
    assert f'{tmp_path}/absent.mcap is not here' in capsys.readouterr().out.replace('\n', ' ')


def test_ctrl_c_ends_it_early_and_still_reports(start_demo, tiny_model, tmp_path):
    demo = start_demo('--model', str(tiny_model), '--seconds', '600')
    wait_for('listens to /demo/image', tmp_path / 'logs' / 'node.log')
    time.sleep(3.0)
    os.killpg(demo.pid, signal.SIGINT)
    said, errors = demo.communicate(timeout=LONGEST)
    assert (demo.returncode, errors) == (130, '')
    assert 'results a second' in said
    assert count_processes(demo.pid) == 0
    assert 'Traceback' not in ''.join(log.read_text() for log in tmp_path.glob('logs/*'))


@pytest.mark.parametrize('latest', ['recorder', 'node', 'player'])
def test_ctrl_c_at_once_says_that_there_is_nothing_to_report(
    start_demo, tiny_model, tmp_path, latest
):
    demo = start_demo('--model', str(tiny_model))
    wait_for('', tmp_path / 'logs' / f'{latest}.log')
    os.killpg(demo.pid, signal.SIGINT)
    _, errors = demo.communicate(timeout=LONGEST)
    assert demo.returncode == 130
    assert 'stopped too early: ' in errors
    assert count_processes(demo.pid) == 0


def test_a_node_that_dies_is_quoted(start_demo, tmp_path):
    broken = tmp_path / 'broken.safetensors'
    broken.write_bytes(b'no network at all')
    demo = start_demo('--model', str(broken))
    _, errors = demo.communicate(timeout=LONGEST)
    assert demo.returncode == 1
    assert 'the node has ended in the middle of the demo' in errors
    assert 'must be a file that torch.save or safetensors wrote' in errors
    assert 'Traceback' not in errors
    assert count_processes(demo.pid) == 0


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (['--model', 'unheard_of'], "model must be one of .*'unheard_of'"),
        (['--seconds', '0'], 'seconds must be above 0 and at most 3600, got 0'),
        (['--score-threshold', '1'], r'score_threshold must be in \[0, 1\), got 1'),
    ],
)
def test_bad_options_are_refused_in_words(capsys, words, sentence):
    assert command.main(words) == 2
    assert re.search(sentence, capsys.readouterr().err)


def test_without_the_shipped_model_it_says_what_to_do(capsys, monkeypatch):
    monkeypatch.setattr(command, 'shipped_models', dict)
    assert command.main([]) == 2
    assert 'make demo MODEL=FILE.safetensors' in capsys.readouterr().err


def test_the_bag_shows_the_pictures_of_the_annotated_set_one_second_each():
    recording = BagRecording(ROOMS, (), None, pytest.fail, pytest.fail)
    entries = list(recording.entries())
    recording.close()
    images = [entry for entry in entries if entry.topic.endswith('/compressed')]
    infos = [entry for entry in entries if entry.topic.endswith('/camera_info')]
    assert (len(images), len(infos), recording.length) == (120, 120, 12 * 10**9)
    grey = sorted(PICTURES.glob('*.png'))
    for path, entry in zip(grey, images[5::10], strict=True):
        shown = compressed_to_rgb(entry.message)
        np.testing.assert_array_equal(shown, read_image(path), err_msg=path.name)
    info = infos[0].message
    assert (info.height, info.width, info.header.frame_id) == (460, 610, 'camera_optical_frame')
    assert info.k.tolist() == pytest.approx([451.03, 0, 299.04, 0, 451.03, 235.17, 0, 0, 1], 1e-3)
    assert [stamp_of(entry.message) for entry in images] == [
        stamp_of(entry.message) for entry in infos
    ]


def entries_at(*seconds):
    return [RecordedMessage('/overlay', 0, round(1e9 * second), second) for second in seconds]


@pytest.mark.parametrize(
    ('seconds', 'chosen'),
    [
        ([], []),
        ([7.0], [7.0]),
        ([7.0, 7.1, 7.45, 7.9], [7.45]),
        ([7.0, 7.9, 8.6, 10.2], [7.9, 8.6, 10.2]),
    ],
)
def test_one_a_second_takes_the_middle_of_each_second_that_has_any(seconds, chosen):
    assert [entry.message for entry in one_a_second(entries_at(*seconds))] == chosen


def test_tiles_fill_rows_of_four():
    tiles = [np.full((2, 3, 3), 10 * index, np.uint8) for index in range(5)]
    sheet = arrange(tiles)
    assert sheet.shape == (2 + 4 + 2, 4 * 3 + 3 * 4, 3)
    for index, tile in enumerate(tiles):
        y, x = index // 4 * 6, index % 4 * 7
        np.testing.assert_array_equal(sheet[y : y + 2, x : x + 3], tile)
    assert (cv2.cvtColor(sheet, cv2.COLOR_RGB2GRAY) == 255).sum() == sheet[..., 0].size - 30
