"""The rendered bag: a camera moves through a room, and the truth moves with it."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('pycocotools', reason="pip install 'yolact[train]'")

from bags import image_item, make_detections, make_rgb, truth_item, write_bag

from yolact_core.cli import main
from yolact_ros.bag.evaluate import stamp_index
from yolact_ros.bag.evaluate.figures.summary import measure_stability
from yolact_ros.bag.evaluate.motion import estimate_motion, to_grey
from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan, open_evaluation
from yolact_ros.bag.evaluate.records import FrameResult
from yolact_ros.bag.evaluate.stability import compare_frames
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import decode, read_raw
from yolact_ros.messages.detections import to_detections

ROOM = Path(__file__).parents[1] / 'data' / 'room_path'
IMAGES, TRUTH = '/camera/image/compressed', '/camera/truth'
USED = 20  # images

pytestmark = pytest.mark.skipif(
    not ROOM.is_dir(), reason='test/data/room_path is made by `make -C recipes/indoor bag`'
)


def test_true_masks_are_perfect_and_steady_though_the_camera_moves(capsys):
    words = ['bag', 'evaluate', ROOM, '--truth', TRUTH, '--results', f'{ROOM}#{TRUTH}']
    assert main([str(word) for word in [*words, '--end', 4, '--json']]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found['topics'] == [IMAGES]  # not the depth
    assert found['images'] == 60
    assert found['mask']['ap'] == found['box']['ap'] == pytest.approx(100)
    figures = found['figures']
    assert figures['stability'] > 0.97
    assert figures['flicker_per_minute'] == 0
    assert figures['class_switches_per_minute'] == 0
    assert figures['track_interruptions_per_minute'] == 0
    assert figures['box_jitter_px'] < 1.5


def shake(detections, strength, random):
    """Return masks that jump by up to so many pixels."""
    masks = [
        np.roll(mask, random.integers(-strength, strength + 1, 2), (0, 1))
        for mask in detections.masks.dense()
    ]
    return make_detections(
        masks, detections.class_ids, detections.size, detections.all_class_names
    )


def test_stability_falls_with_jitter_though_the_camera_moves():
    with Bag(ROOM, pytest.fail) as bag:
        raws = read_raw(bag, [IMAGES])
        greys = [to_grey(decode(bag, next(raws)).rgb) for _ in range(12)]
        entries = bag.entries([TRUTH])
        messages = [bag.deserialize(next(entries)) for _ in range(12)]
    names = tuple(sorted({one.class_name for message in messages for one in message.instances}))
    truths = [to_detections(message, names) for message in messages]
    truths = [truth[truth.scores > 0] for truth in truths]
    motions = [estimate_motion(*pair) for pair in pairwise(greys)]
    random, none, values = np.random.default_rng(0), np.zeros(0), []
    for strength in (0, 1, 2, 4, 8, 16):
        shaken = [shake(truth, strength, random) for truth in truths]
        steadiness = [
            compare_frames(*pair, motion, 1 / 15)
            for pair, motion in zip(pairwise(shaken), motions, strict=True)
        ]
        results = [FrameResult(none, none, none, False, None, one, 0, None) for one in steadiness]
        values.append(measure_stability(results).stability)
    assert values[0] > 0.97
    assert all(after < before - 0.02 for before, after in pairwise(values))


def test_memory_does_not_grow_with_the_length_of_the_bag(tmp_path, monkeypatch):
    monkeypatch.setattr(stamp_index, 'WINDOW', 5 * 10**8)  # what it holds is soon full
    masks = [np.pad(np.ones((30, 30), bool), ((20, 46), (x, 98 - x))) for x in range(0, 90, 30)]
    items = []
    for index in range(4 * USED):
        items += [image_item(index, make_rgb(0)), truth_item(index, make_detections(masks))]
    bag = write_bag(tmp_path / 'bag', items)
    plan = EvaluationPlan(bag, (Candidate(f'{bag}#{TRUTH}'),), truth=(TRUTH,))
    peaks = []
    with open_evaluation(plan, pytest.fail) as opened:
        tracemalloc.start()
        try:
            for index, record in enumerate(opened.evaluator.records()):
                assert record.objects == len(masks)
                if index % USED == USED - 1:
                    peaks.append(tracemalloc.get_traced_memory()[1])
                    tracemalloc.reset_peak()
        finally:
            tracemalloc.stop()
    assert len(peaks) == 4
    assert peaks[3] < 1.15 * max(peaks[1:3])
