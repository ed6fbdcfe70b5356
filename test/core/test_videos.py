"""Videos, there and back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from yolact_core import InputError
from yolact_core.media.videos import VideoReader, write_video


@pytest.fixture
def clip(tmp_path, photo):
    path = tmp_path / 'Übung.mp4'
    with write_video(path, 12.5) as add:
        for shift in range(8):
            add(np.roll(photo, 8 * shift, axis=1))
    return path


def read(path, every=1):
    reader = VideoReader(path)
    images = list(reader.images(every))
    reader.close()
    return reader, images


def test_a_video_comes_back_with_its_colours_size_and_rate(clip, photo):
    reader, images = read(clip)
    assert reader.fps == pytest.approx(12.5)
    assert reader.length == reader.images_read == 8
    assert not reader.is_cut_off
    assert [position for position, _ in images] == list(range(8))
    for position, rgb in images:
        expected = np.roll(photo, 8 * position, axis=1)
        assert np.abs(rgb.astype(int) - expected).mean() < 12


def test_images_in_between_are_skipped(clip):
    every_one = dict(read(clip)[1])
    every_third = dict(read(clip, every=3)[1])
    assert list(every_third) == [0, 3, 6]
    np.testing.assert_array_equal(every_third[3], every_one[3])


def test_images_of_other_sizes_are_fitted_to_the_first(tmp_path, photo):
    with write_video(tmp_path / 'mixed.mp4', 10) as add:
        add(photo)
        add(photo[:48, :64])
    assert [rgb.shape for _, rgb in read(tmp_path / 'mixed.mp4')[1]] == [photo.shape] * 2


def test_a_video_that_was_cut_off_says_so(tmp_path, photo):
    path = tmp_path / 'cut.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (128, 96))
    for _ in range(20):
        writer.write(photo)
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader, images = read(path)
    assert reader.is_cut_off
    assert 0 < len(images) < 20


@pytest.mark.parametrize('content', [b'', b'no video', None])
def test_what_is_no_video_is_refused(content, tmp_path):
    path = tmp_path / 'odd.mp4'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r'video .*odd\.mp4 must be one that can be opened'):
        VideoReader(path)


def test_a_video_that_fails_half_way_leaves_nothing(tmp_path, photo):
    path = tmp_path / 'half.mp4'

    def write_and_fail():
        with write_video(path, 10) as add:
            add(photo)
            raise RuntimeError('half way')

    with pytest.raises(RuntimeError, match='half way'):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []
