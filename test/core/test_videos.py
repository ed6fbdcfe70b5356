"""Videos, there and back."""

from __future__ import annotations

import http.server
import threading
import time
from contextlib import closing
from itertools import islice

import cv2
import numpy as np
import pytest
from video_files import make_matroska

from yolact_core import InputError
from yolact_core.media import videos
from yolact_core.media.containers import VideoFile, examine
from yolact_core.media.reading import read_video
from yolact_core.media.video_writing import write_video
from yolact_core.media.videos import VideoReader

UNEVEN = [*np.arange(8) / 20, 1.5, 3.0, 3.2]  # seconds


@pytest.fixture
def clip(tmp_path, photo):
    path = tmp_path / 'Übung.mp4'
    with write_video(path, 12.5) as add:
        for shift in range(8):
            add(np.roll(photo, 8 * shift, axis=1))
    return path


def read(device, every=1):
    reader = VideoReader(device)
    images = list(reader.images(every))
    reader.close()
    return reader, images


def read_times(path):
    reader = VideoReader(path)
    times = [reader.seconds for _ in reader.images()]
    reader.close()
    return times


def test_a_video_comes_back_with_its_colours_size_and_rate(clip, photo):
    reader, images = read(clip)
    assert reader.fps == pytest.approx(12.5)
    assert reader.length == reader.images_read == 8
    reader.require_whole()
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


def test_images_at_irregular_times_are_all_read_with_their_times(tmp_path, photo):
    path = tmp_path / 'uneven.mkv'
    path.write_bytes(make_matroska([photo] * len(UNEVEN), UNEVEN, fps=30))
    assert read_times(path) == pytest.approx(UNEVEN, abs=1e-3)
    reader, _ = read(path)
    reader.require_whole()
    assert reader.fps == pytest.approx(20)


def test_an_image_stays_in_a_video_until_the_time_of_the_next(tmp_path, photo):
    with write_video(tmp_path / 'even.mp4', 20) as add:
        for number, seconds in enumerate(UNEVEN):
            add(np.full_like(photo, 20 * number), seconds)
    reader, images = read(tmp_path / 'even.mp4')
    assert reader.images_read == round(20 * UNEVEN[-1]) + 1
    grey = [rgb.mean() for _, rgb in images]
    assert [grey[round(20 * time)] for time in UNEVEN] == pytest.approx(
        [20 * number for number in range(len(UNEVEN))], abs=8
    )


def test_images_that_come_faster_than_the_rate_are_all_shown(tmp_path, photo):
    with write_video(tmp_path / 'fast.mp4', 10) as add:
        for seconds in (0, 0.01, 0.02, 0.03, 1.0):
            add(photo, seconds)
    assert read(tmp_path / 'fast.mp4')[0].images_read == 11


def test_a_pause_of_years_is_shortened(tmp_path, photo):
    with write_video(tmp_path / 'pause.mp4', 2) as add:
        for seconds in (0, 1e9, 1e9 + 1):
            add(photo, seconds)
    assert read(tmp_path / 'pause.mp4')[0].images_read == 1 + 2 * 60 + 1 + 2


@pytest.mark.parametrize('suffix', ['.avi', '.mkv'])
def test_a_video_that_was_cut_off_says_so(suffix, tmp_path, photo):
    path = tmp_path / f'cut{suffix}'
    if suffix == '.mkv':
        path.write_bytes(make_matroska([photo] * 20, np.arange(20) / 10, fps=10))
    else:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 10, (128, 96))
        for _ in range(20):
            writer.write(photo)
        writer.release()
    whole, _ = read(path)
    whole.require_whole()
    assert whole.images_read == 20
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader, images = read(path)
    assert 0 < len(images) < 20
    with pytest.raises(InputError, match=f'cut{suffix} must be whole, but its end is missing: '):
        reader.require_whole()


def test_a_video_that_is_damaged_in_the_middle_says_so(tmp_path, photo):
    path = tmp_path / 'damaged.mp4'
    noise = np.random.default_rng(1)
    with write_video(path, 10) as add:
        for _ in range(40):
            add(noise.integers(0, 255, photo.shape, dtype=np.uint8))
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 4)
    path.write_bytes(data)
    reader, images = read(path)
    assert len(images) < 38
    with pytest.raises(InputError, match=f'must be whole, but of 40 images {len(images)} can be'):
        reader.require_whole()


def test_a_video_that_was_trimmed_is_whole(clip):
    data = clip.read_bytes()
    place = data.index(b'elst') + 12
    length = int.from_bytes(data[place : place + 4], 'big')
    clip.write_bytes(data[:place] + (length // 2).to_bytes(4, 'big') + data[place + 4 :])
    assert VideoReader(clip).length == 4


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


def test_a_video_without_images_is_not_written(tmp_path):
    with (
        pytest.raises(InputError, match=r'none\.mp4 must hold 1 images, but 0 are in it'),
        write_video(tmp_path / 'none.mp4', 10),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_a_full_disk_cut_short_is_refused(tmp_path, photo):
    """OpenCV itself says nothing; a limit on the size of files stands for the disk."""
    resource = pytest.importorskip('resource')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(1)

    def write():
        with write_video(tmp_path / 'large.mp4', 10) as add:
            for _ in range(60):
                add(noise.integers(0, 255, photo.shape, dtype=np.uint8))

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(InputError, match=r'large\.mp4 must hold 60 images, but 0 are in it'):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


class Camera(http.server.BaseHTTPRequestHandler):
    """Sends twelve pictures to each who asks, for two times in all."""

    picture = b''
    left = 2

    def do_GET(self):
        if self.server.left == 0:
            self.send_error(404)
            return
        self.server.left -= 1
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=part')
        self.end_headers()
        head = f'--part\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.server.picture)}'
        for _ in range(12):
            self.wfile.write(head.encode() + b'\r\n\r\n' + self.server.picture + b'\r\n')

    def log_message(self, *_):
        pass


@pytest.fixture
def camera(photo):
    """Return the address of a camera on this machine."""
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Camera) as server:
        server.picture, server.left = cv2.imencode('.jpg', photo)[1].tobytes(), 2
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://me:secret@127.0.0.1:{server.server_port}/live'
        server.shutdown()
        thread.join()


def test_a_stream_that_is_lost_is_opened_again_and_its_end_is_told(camera, monkeypatch, caplog):
    monkeypatch.setattr(videos, 'PAUSE', 0.01)
    reader, images = read(camera)
    assert 12 < len(images) <= 24
    assert images[0][1].shape == (96, 128, 3)
    assert 'gives no more images, opening it again' in caplog.text
    with pytest.raises(InputError, match=r'^stream http://127.*/live must go on, got \d+ images'):
        reader.require_whole()
    assert 'secret' not in caplog.text


@pytest.mark.parametrize('limit', [1, 3, None])
def test_a_file_is_read_ahead_and_no_further_than_its_limit(clip, limit):
    alone = VideoReader(clip)
    wanted = [(position, alone.seconds, rgb) for position, rgb in alone.images(2)][:limit]
    alone.close()
    reader = VideoReader(clip)
    with closing(read_video(reader, every=2, limit=limit)) as images:
        found = list(images)
    assert [one[:2] for one in found] == [one[:2] for one in wanted]
    assert all(np.array_equal(one.rgb, other[2]) for one, other in zip(found, wanted, strict=True))
    assert reader.images_read == (8 if limit is None else 2 * limit - 2)
    reader.close()


def test_of_what_is_live_no_image_is_taken_before_it_is_asked_for(camera):
    reader = VideoReader(camera)
    with closing(read_video(reader)) as images:
        for taken, image in enumerate(islice(images, 5)):
            time.sleep(0.02)  # in which another thread could read
            assert reader.images_read == image.position == taken
    reader.close()


def test_a_stream_that_nobody_sends_is_refused_soon():
    began = time.monotonic()
    with pytest.raises(InputError, match=r'stream rtsp://127.0.0.1:9/ must be one that can be op'):
        VideoReader('rtsp://me:secret@127.0.0.1:9/')
    assert time.monotonic() - began < 15


MOOV = b'mvhd\0' + bytes(11) + b'\0\0\0\x0a' + b'elst\0' + bytes(3) + b'\0\0\0\x09'


@pytest.mark.parametrize(
    'boxes',
    [
        MOOV + bytes(7),  # nine edits, of which less than one is there
        MOOV.replace(b'\x0a', b'\0') + bytes(12),  # no ticks a second
        b'elst\0',
        b'',
    ],
)
def test_a_container_that_contradicts_itself_says_nothing(boxes, tmp_path):
    path = tmp_path / 'video.mp4'
    path.write_bytes(b'\0\0\0\x08ftyp' + (len(boxes) + 8).to_bytes(4, 'big') + b'moov' + boxes)
    assert examine(path, 0, 10.0) == VideoFile(lacks_end=False, images=None)


def test_parts_that_end_before_they_begin_end_the_walk(tmp_path):
    path = tmp_path / 'video.mp4'
    path.write_bytes(b'\0\0\0\x08ftyp' + b'\0\0\0\x01free' * 100_000)
    assert examine(path, 3, 10.0).images == 3


def test_a_video_of_too_large_images_is_refused(clip, monkeypatch):
    monkeypatch.setattr('yolact_core.media.videos.MOST_PIXELS', 99)
    with pytest.raises(InputError, match='must have images of at most 99 pixels, got'):
        VideoReader(clip)
