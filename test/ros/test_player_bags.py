"""Bags of both storages, as rosbags wrote them."""

from __future__ import annotations

import os

import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed', exc_type=ImportError)
pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

import zstandard
from playing import START, finish, hear, make_image, make_info, make_jpeg, playing, write_bag
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from yolact_core import InputError
from yolact_ros.bag.io.opening import is_bag
from yolact_ros.player.recording import BagRecording

TENTHS = [index / 10 for index in range(5)]
TOPICS = {
    '/cam/image_raw': [(at, make_image(round(10 * at))) for at in TENTHS],
    '/cam/camera_info': [(at + 0.001, make_info(round(10 * at))) for at in TENTHS],
    '/cam/other': [(0.05, String(data='one')), (0.25, String(data='two'))],
    '/far/image/compressed': [(0.02, make_jpeg(7)), (0.22, make_jpeg(8))],
    '/far/camera_info': [(0.02, make_info(7))],
    '/alone/camera_info': [(0.0, make_info(0))],
}


@pytest.fixture(params=['mcap', 'sqlite3'])
def bag(request, tmp_path):
    return write_bag(tmp_path / 'bag', TOPICS, request.param, latched=['/cam/other'])


@pytest.fixture
def open_bag():
    recordings = []

    def open_path(path, topics=(), rate=None):
        warnings = []
        recordings.append(BagRecording(path, topics, rate, warnings.append, warnings.append))
        return recordings[-1], warnings

    yield open_path
    for recording in recordings:
        recording.close()


def test_images_and_their_camera_infos_are_played(bag, open_bag):
    recording, warnings = open_bag(bag)
    assert {topic.name: topic.type for topic in recording.topics} == {
        '/cam/image_raw': Image,
        '/far/image/compressed': CompressedImage,
        '/cam/camera_info': CameraInfo,
        '/far/camera_info': CameraInfo,
    }
    entries = list(recording.entries())
    assert warnings == []
    assert len(entries) == 5 + 5 + 2 + 1
    assert [entry.position for entry in entries] == sorted(entry.position for entry in entries)
    assert all(entry.time == START + entry.position for entry in entries)
    images = [entry for entry in entries if entry.topic == '/cam/image_raw']
    assert [entry.message for entry in images] == [make_image(index) for index in range(5)]
    assert [entry.position for entry in images] == [index * 10**8 for index in range(5)]


def test_the_next_round_begins_one_image_after_the_last(bag, open_bag):
    recording, _ = open_bag(bag, ['/cam/image_raw'])
    assert len(list(recording.entries())) == 5
    assert recording.length == 500_000_000
    assert len(list(recording.entries())) == 5


def test_a_duration_ends_a_loop_in_the_middle_of_a_round(bag, domain, tester):
    words = ('--topics', '/cam/image_raw', '--loop', '--duration', 0.8, '--wait', 20)
    with playing(domain, bag, *words) as player:
        images = hear(tester.node, '/cam/image_raw', Image, QoSProfile(depth=20))
        tester.until(lambda: len(images) == 8, 'a round and a half have come')
        status, output, errors = finish(player)
    assert (status, errors) == (0, '')
    assert output.startswith('published 8 images on /cam/image_raw')


def test_any_topic_can_be_chosen(bag, open_bag):
    recording, _ = open_bag(bag, ['/cam/other'])
    assert [(topic.name, topic.is_latched) for topic in recording.topics] == [('/cam/other', True)]
    assert [entry.message.data for entry in recording.entries()] == ['one', 'two']


def test_a_chosen_rate_is_that_of_the_images(bag, open_bag):
    recording, _ = open_bag(bag, ['/cam/image_raw', '/cam/camera_info', '/cam/other'], 25.0)
    entries = list(recording.entries())
    images = [entry.position for entry in entries if entry.topic == '/cam/image_raw']
    assert images == [index * 40_000_000 for index in range(5)]
    assert [entry.position for entry in entries] == sorted(entry.position for entry in entries)
    assert recording.length == 200_000_000
    assert [entry.time - START for entry in entries if entry.topic == '/cam/other'] == [5e7, 25e7]


def test_a_gap_is_shortened_and_told_once(tmp_path, open_bag):
    times = (-START / 1e9, 0, 0.1, 60.1, 60.2)
    images = [(at, make_image(index)) for index, at in enumerate(times)]
    recording, warnings = open_bag(write_bag(tmp_path / 'bag', {'/image': images}))
    for _ in range(2):
        entries = list(recording.entries())
        seconds = [entry.position / 1e9 for entry in entries]
        assert seconds == pytest.approx([0, 5, 5.1, 10.1, 10.2])
        assert [entry.is_behind_gap for entry in entries] == [False, True, False, True, False]
    assert len(warnings) == 1
    assert 'gaps are shortened to 5 s (--longest-gap), the first one lasts 17000' in warnings[0]


def test_illegal_names_are_played_under_legal_ones(tmp_path, open_bag):
    topics = {
        '/camera-1/image_raw': [(0, make_image(0))],
        '/camera-1/camera_info': [(0, make_info(0))],
    }
    recording, warnings = open_bag(write_bag(tmp_path / 'bag', topics))
    names = ['/camera_1/image_raw', '/camera_1/camera_info']
    assert [topic.name for topic in recording.topics] == names
    assert recording.topics[0].info_name == names[1]
    assert [entry.topic for entry in recording.entries()] == names
    assert len(warnings) == 2


def test_what_is_lost_is_also_in_the_exit_status(bag, domain):
    (bag / 'metadata.yaml').unlink()
    with playing(domain, bag, '--rate', 100) as player:
        status, output, errors = finish(player)
    assert status == 2
    assert 'published 5 images' in output
    assert errors.startswith('yolact_player: warning: bag ')


def test_the_file_of_a_bag_is_a_bag(bag, open_bag):
    file = next(path for path in bag.iterdir() if path.suffix in {'.mcap', '.db3'})
    assert is_bag(file)
    recording, _ = open_bag(file, ['/cam/image_raw'])
    assert len(list(recording.entries())) == 5


def test_a_topic_that_is_missing_lists_the_others(bag, open_bag):
    with pytest.raises(InputError, match=r"/cam/image_raw \(sensor_msgs/msg/Image\).*'/nope'"):
        open_bag(bag, ['/nope'])


def test_a_bag_without_images_lists_its_topics(tmp_path, open_bag):
    path = write_bag(tmp_path / 'bag', {'/words': [(0, String(data='hello'))]})
    with pytest.raises(InputError, match=r'of a camera, got only: /words \(std_msgs/msg/St'):
        open_bag(path)


def test_messages_that_are_cut_off_are_left_out(tmp_path, open_bag):
    path = write_bag(
        tmp_path / 'bag',
        {'/image': [(0, make_image(0)), (0.1, b'\0\1\0\0abc'), (0.2, make_image(2))]},
    )
    recording, warnings = open_bag(path)
    assert [entry.message for entry in recording.entries()] == [make_image(0), make_image(2)]
    assert len(warnings) == 1
    assert 'message on /image must be a whole sensor_msgs/msg/Image' in str(warnings[0])


def test_a_bag_with_no_readable_message_is_refused(tmp_path, open_bag):
    path = write_bag(tmp_path / 'bag', {'/words': [(0, b'')]})
    recording, _ = open_bag(path, ['/words'])
    with pytest.raises(InputError, match='must hold at least one message'):
        list(recording.entries())


def test_a_type_that_is_not_installed_is_named(bag, open_bag, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'std_msgs.msg', None)
    with pytest.raises(
        InputError, match=r"type of /cam/other must be installed.*'std_msgs/msg/Str"
    ):
        open_bag(bag, ['/cam/other'])


@pytest.mark.parametrize('name', ['bag.mcap', 'bag.db3', 'bag.bag'])
@pytest.mark.parametrize('content', [b'', b'no bag at all' * 50])
def test_what_is_no_bag_is_refused(tmp_path, open_bag, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert is_bag(path)
    with pytest.raises(InputError, match='must be a bag of ROS 2 that can be read'):
        open_bag(path)


def test_a_bag_without_metadata_is_told_of_and_played(bag, open_bag):
    (bag / 'metadata.yaml').unlink()
    assert is_bag(bag)
    recording, warnings = open_bag(bag, ['/cam/other'])
    assert len(warnings) == 1
    assert 'must be whole, but metadata.yaml cannot be used' in str(warnings[0])
    assert recording.topics[0].is_latched
    assert len(list(recording.entries())) == 2


def test_of_a_file_that_was_cut_off_the_whole_messages_are_played(tmp_path, open_bag):
    images = [(index / 10, make_image(index, (480, 640))) for index in range(8)]
    path = write_bag(tmp_path / 'bag', {'/image': images}) / 'bag.mcap'
    os.truncate(path, path.stat().st_size // 2)
    recording, warnings = open_bag(path)
    assert 2 <= len(list(recording.entries())) <= 4
    assert len(warnings) == 1


def test_a_bag_of_compressed_files_is_played(bag, open_bag):
    (file,) = (path for path in bag.iterdir() if path.suffix in {'.mcap', '.db3'})
    file.with_name(f'{file.name}.zstd').write_bytes(zstandard.compress(file.read_bytes()))
    (bag / 'metadata.yaml').write_text(
        (bag / 'metadata.yaml').read_text().replace(file.name, f'{file.name}.zstd')
    )
    file.unlink()
    assert is_bag(bag)
    recording, warnings = open_bag(bag, ['/cam/image_raw'])
    assert len(list(recording.entries())) == 5
    assert warnings == []


def test_without_rosbags_the_way_to_get_it_is_told(bag, open_bag, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'rosbags.rosbag2', None)
    with pytest.raises(InputError, match='rosbags must be installed to play a bag: pip install'):
        open_bag(bag)
