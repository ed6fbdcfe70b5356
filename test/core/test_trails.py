"""Where objects came from, and how it is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from tracked_scenes import SIZE, moving, rectangles

from yolact_core.cli import main
from yolact_core.errors import InputError
from yolact_core.media.video_writing import write_video
from yolact_core.media.videos import VideoReader
from yolact_core.tracking import Tracker, Trails
from yolact_core.visualization import OverlayStyle, draw_overlay

PERIOD = 0.25


def trails_of(images, seconds, stamps=None):
    """Return the trails of each of successive images."""
    tracker, trails = Tracker(), Trails()
    stamps = stamps or [PERIOD * step for step in range(len(images))]
    return [
        trails.follow(tracker.update(one, stamp), one, stamp, seconds).trails
        for one, stamp in zip(images, stamps, strict=True)
    ]


def test_a_trail_is_the_way_of_the_centre_over_the_last_seconds():
    images = [rectangles(moving(100 + 10 * step, 100), moving(400, 300)) for step in range(8)]
    first, *_, last = trails_of(images, seconds=1.0)
    assert [trail.tolist() for trail in first] == [[[100, 100]], [[400, 300]]]
    assert last[0].tolist() == [[130 + 10 * step, 100] for step in range(5)]
    assert last[1].tolist() == [[400, 300]] * 5


def test_what_has_no_track_has_no_trail():
    weak = rectangles(moving(100, 100), scores=[0.2])
    ((trail,),) = trails_of([weak], seconds=1.0)
    assert trail.shape == (0, 2)


def test_trails_begin_anew_where_time_goes_back():
    one = rectangles(moving(100, 100))
    trails = trails_of([one] * 4, seconds=2.0, stamps=[5.0, 5.5, 0.0, 0.5])
    assert [len(trail) for (trail,) in trails] == [1, 2, 1, 2]


def test_no_seconds_are_no_trails():
    assert trails_of([rectangles(moving(100, 100))] * 3, seconds=0.0) == [(), (), ()]


def test_memory_is_that_of_the_last_seconds():
    trails, tracker, one = Trails(), Tracker(), rectangles(moving(100, 100))
    for step in range(100):
        trails.follow(tracker.update(one, step), one, step, 5.0)
    assert len(trails._past) == 6


def test_a_trail_is_drawn_in_the_colour_of_its_instance():
    weak = {'scores': [0.9, 0.2], 'class_ids': [0, 1]}
    scene = rectangles(moving(300, 200), moving(500, 400), **weak)
    start = rectangles(moving(280, 200), moving(480, 400), **weak)
    tracker, trails = Tracker(), Trails()
    for stamp, one in enumerate((start, scene)):
        tracks = trails.follow(tracker.update(one, stamp), one, stamp, 9.0)
    style = OverlayStyle(masks=False, contours=False, boxes=False, labels=False, trails=9.0)
    palette = [(255, 0, 0), (0, 0, 255)]
    drawn = draw_overlay(np.zeros((*SIZE, 3), np.uint8), scene, style, palette, tracks)
    assert drawn[200, 290].tolist() == [255, 0, 0]
    assert not drawn[200, 310:].any()
    assert not drawn[..., 2].any()  # what has no track has no way


def test_trails_are_drawn_in_videos_where_they_are_asked_for(tiny_model, tmp_path, photo):
    video = tmp_path / 'video.mp4'
    with write_video(video, 12.0) as add:
        for shift in range(4):
            add(np.roll(photo, 3 * shift, axis=1))
    options = [str(video), '--model', str(tiny_model), '--score-threshold', '0.05', '--output']

    assert main(['detect', *options, str(tmp_path / 'without')]) == 0
    assert main(['detect', *options, str(tmp_path / 'with'), '--trails', '2']) == 0

    without, with_trails = (
        [rgb for _, rgb in VideoReader(tmp_path / name / 'video.mp4').images(1)]
        for name in ('without', 'with')
    )
    assert len(without) == len(with_trails) == 4
    assert (without[-1] != with_trails[-1]).any()


def test_trails_shorter_than_nothing_are_refused():
    with pytest.raises(InputError, match='trails must be 0 seconds or more, got -1'):
        OverlayStyle(trails=-1)
