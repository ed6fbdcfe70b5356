"""Videos and image files as a recording."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='ROS 2 is not installed', exc_type=ImportError)

from yolact_core import InputError
from yolact_core.media.image_files import write_image
from yolact_core.media.video_writing import write_video
from yolact_ros.player.pictures import PictureRecording


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / 'rooms'
    folder.mkdir()
    for index in range(3):
        write_image(folder / f'{index}.png', np.full((6, 8 + index, 3), 50 * index, np.uint8))
    return folder


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / 'clip.mp4'
    with write_video(path, 20.0) as add:
        for index in range(4):
            add(np.full((48, 64, 3), 60 * index, np.uint8))
    return path


def play(*arguments, rate=None):
    warnings = []
    recording = PictureRecording([str(argument) for argument in arguments], rate, warnings.append)
    return list(recording.entries()), recording, warnings


def test_a_folder_is_played_by_name_at_ten_images_per_second(folder):
    entries, recording, _ = play(folder)
    assert [entry.position for entry in entries] == [0, 10**8, 2 * 10**8]
    assert recording.length == 3 * 10**8
    assert [entry.message.width for entry in entries] == [8, 9, 10]
    assert [entry.message.data[0] for entry in entries] == [0, 50, 100]


def test_a_video_is_played_at_its_own_rate(clip):
    entries, recording, warnings = play(clip)
    assert [entry.position for entry in entries] == [0, 5 * 10**7, 10**8, 15 * 10**7]
    assert recording.length == 2 * 10**8
    assert warnings == []
    assert entries[0].message.encoding == 'rgb8'


def test_a_chosen_rate_holds_for_all(folder, clip):
    entries, recording, _ = play(clip, folder, rate=30.0)
    expected = [index * 10**9 / 30 for index in range(7)]
    assert [entry.position for entry in entries] == pytest.approx(expected, abs=3)
    assert recording.length == pytest.approx(7e9 / 30, abs=3)


def test_recorded_stamps_are_exactly_as_far_apart_as_the_images(clip):
    entries, _, _ = play(clip)
    stamps = [e.message.header.stamp.sec * 10**9 + e.message.header.stamp.nanosec for e in entries]
    assert np.diff(stamps).tolist() == [5 * 10**7] * 3


def test_what_cannot_be_read_is_told_and_left_out(folder):
    (folder / '1.png').write_bytes(b'broken')
    entries, _, warnings = play(folder)
    assert [entry.message.width for entry in entries] == [8, 10]
    assert len(warnings) == 1
    assert '1.png must be an image' in warnings[0]


def test_a_source_without_a_readable_image_is_refused(tmp_path):
    (tmp_path / 'one.png').write_bytes(b'broken')
    with pytest.raises(InputError, match='at least one image that can be read'):
        play(tmp_path)
