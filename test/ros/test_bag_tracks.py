"""Instances of a bag keep their identity, in the results of a run and in what is evaluated."""

from __future__ import annotations

import itertools
import signal

import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import image_item, jpeg_item, make_rgb, read_messages, stamp_of, write_bag

from yolact_core import Detector, Tracker
from yolact_core.threads import single_thread
from yolact_ros.bag.replay import overlay_video, replay

COUNT = 10
CAMERA, FAR = '/yolact/camera/instances', '/yolact/far/instances'


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Return a bag of two cameras."""
    items = [image_item(index) for index in range(COUNT)]
    items += [jpeg_item(index) for index in range(0, COUNT, 2)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


def read_tracks(path, topic):
    """Return id and age of each instance, image by image."""
    return [
        [(one.id, one.track_age) for one in message.instances]
        for _, message in read_messages(path)[topic]
    ]


def track_ids(path, topic):
    return {track_id for image in read_tracks(path, topic) for track_id, _ in image} - {''}


def test_the_tracks_of_a_run_are_those_of_a_tracker(bag, run_bag, tmp_path, tiny_model):
    assert run_bag(bag, tmp_path / 'out.mcap', '--topic', '/camera/image') == 0
    detector, tracker = Detector.load(tiny_model, device='cpu', score_threshold=0.05), Tracker()
    wanted = []
    for index in range(COUNT):
        rgb = make_rgb(index)
        tracks = tracker.update(detector(rgb), stamp_of(index) / 1e9, rgb)
        wanted.append(list(zip(tracks.ids, tracks.ages.tolist(), strict=True)))
    assert max(age for image in wanted for _, age in image) == COUNT
    assert read_tracks(tmp_path / 'out.mcap', '/yolact/instances') == wanted


def test_two_cameras_never_share_an_id(bag, run_bag, tmp_path):
    assert run_bag(bag, tmp_path / 'out.mcap') == 0
    camera, far = (track_ids(tmp_path / 'out.mcap', topic) for topic in (CAMERA, FAR))
    assert len(camera) > COUNT < len(far)
    assert camera.isdisjoint(far)
    assert {int(one) for one in camera | far} == set(range(1, len(camera | far) + 1))


def test_spans_and_interruptions_cannot_be_seen_in_the_tracks(bag, run_bag, tmp_path, monkeypatch):
    paths = [tmp_path / name / 'out.mcap' for name in ('whole', 'shared', 'stopped')]
    with single_thread():  # as workers have it
        assert run_bag(bag, paths[0]) == 0
        assert run_bag(bag, paths[1], '--workers', 2, '--part-images', 4) == 0
        with monkeypatch.context() as patch:
            counter, to_result = itertools.count(1), replay.to_result

            def stop_at_eighth(*arguments):
                if next(counter) == 8:
                    signal.raise_signal(signal.SIGINT)
                return to_result(*arguments)

            patch.setattr(replay, 'to_result', stop_at_eighth)
            assert run_bag(bag, paths[2]) == 130
        assert run_bag(bag, paths[2]) == 0
    assert track_ids(paths[0], CAMERA)
    assert paths[0].read_bytes() == paths[1].read_bytes() == paths[2].read_bytes()


def test_tracks_follow_the_images_that_are_taken_and_can_be_read(run_bag, tmp_path, capsys):
    items = [image_item(index) for index in range(COUNT)]
    items[5][3].encoding = 'nonsense'
    bag = write_bag(tmp_path / 'bag', items)
    assert run_bag(bag, tmp_path / 'out.mcap', '--every', 2, '--start', 0.05) == 2
    assert 'nonsense' in capsys.readouterr().err
    tracks = read_tracks(tmp_path / 'out.mcap', '/yolact/instances')
    assert len(tracks) == 4
    assert max(age for _, age in tracks[-1]) > 1


def test_tracks_can_be_left_out(bag, run_bag, tmp_path):
    assert run_bag(bag, tmp_path / 'out.mcap', '--no-tracks') == 0
    tracks = [one for topic in (CAMERA, FAR) for one in read_tracks(tmp_path / 'out.mcap', topic)]
    assert len(tracks) == COUNT + COUNT // 2
    assert {one for image in tracks for one in image} == {('', 0)}


def test_an_overlay_video_shows_the_tracks(bag, run_bag, tmp_path, monkeypatch):
    drawn, draw = [], overlay_video.draw_overlay

    def note(rgb, detections, style, palette, tracks):
        drawn.append((style.color_by, tracks.ids))
        return draw(rgb, detections, style, palette, tracks)

    monkeypatch.setattr(overlay_video, 'draw_overlay', note)
    words = ('--topic', '/camera/image', '--overlay', tmp_path / 'v.mp4', '--color-by', 'track')
    assert run_bag(bag, tmp_path / 'out.mcap', *words) == 0
    tracks = read_tracks(tmp_path / 'out.mcap', '/yolact/instances')
    assert [ids for _, ids in drawn] == [tuple(one for one, _ in image) for image in tracks]
    assert {color_by for color_by, _ in drawn} == {'track'}
