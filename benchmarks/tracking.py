"""How well instances are followed, beside ByteTrack and OC-SORT on the same detections.

    python benchmarks/tracking.py                           # the room in test/data
    python benchmarks/tracking.py BAG BAG                   # bags that the recipes rendered

Detections are the true masks with noise (20 % missed, boxes and masks stretched by 3 %, 10 % of
another class, random scores), and those of a model. Of each rate that the bag has, images are
left out. The references run with their defaults and, ``tuned``, with that of 18 settings which
has the best HOTA: with noise on seeds of its own, with the model's detections on these
themselves, which favours them. Ours is the same everywhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from track_references import INSTALL, find_references, follow_as_reference
from tracked_bags import Judge, Scene, add_noise, read_scenes

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.evaluation.tracks import TrackFigures, measure_tracks
from yolact_core.tracking import Tracker

ROOM = Path(__file__).parents[1] / 'test' / 'data' / 'room_path'
RATES = (30, 15, 5)  # images per second
CHOOSING = 1000  # first of the seeds that the references are tuned on
TITLES = ('HOTA', 'DetA', 'AssA', 'IDF1', 'switches')


@dataclass(frozen=True)
class Run:
    """Detections of a sequence of images.

    Args:
        scenes: Images.
        images: Detections in each.
        judges: What there is in each.
    """

    scenes: Sequence[Scene]
    images: Sequence[Detections]
    judges: Sequence[Judge]

    @classmethod
    def of(cls, scenes: Sequence[Scene], images: Sequence[Detections]) -> Run:
        """Compare all detections with the truth."""
        judges = [Judge.of(*pair) for pair in zip(scenes, images, strict=True)]
        return cls(scenes, images, judges)

    def every(self, step: int) -> Run:
        """Return the first of every so many images."""
        return Run(self.scenes[::step], self.images[::step], self.judges[::step])


Follow = Callable[[Run], Sequence[Sequence[str]]]


def follow_as_we_do(run: Run) -> list[tuple[str, ...]]:
    """Return the track of each detection in each image, empty where it has none."""
    tracker = Tracker()
    return [
        tracker.update(detections, scene.stamp, scene.rgb).ids
        for scene, detections in zip(run.scenes, run.images, strict=True)
    ]


def measure(follow: Follow, runs: Sequence[Run]) -> TrackFigures:
    """Measure a tracker on several sequences."""
    return measure_tracks(
        [
            [judge.look(ids) for judge, ids in zip(run.judges, follow(run), strict=True)]
            for run in runs
        ]
    )


def measure_all(
    judged: Sequence[Run], choosing: Sequence[Run], rate: float
) -> dict[str, TrackFigures]:
    """Measure our tracker and the references.

    Args:
        judged: Sequences to report on.
        choosing: Sequences that the references are tuned on.
        rate: Images per second.
    """
    figures = {'ours': measure(follow_as_we_do, judged)}
    for name, (tracker_type, candidates) in find_references().items():

        def with_settings(settings: dict[str, float], kind: object = tracker_type) -> Follow:
            return lambda run: follow_as_reference(kind, settings, rate, run.images)

        best = max(candidates, key=lambda one: measure(with_settings(one), choosing).hota or 0)
        figures[f'{name}, tuned'] = measure(with_settings(best), judged)
        figures[f'{name}, defaults'] = measure(with_settings({}), judged)
    return figures


def report(title: str, figures: dict[str, TrackFigures]) -> None:
    """Print the figures of all trackers, and how far ours is above the best tuned one."""
    tuned = [one.hota or 0 for name, one in figures.items() if name.endswith('tuned')]
    ahead = f', {100 * ((figures["ours"].hota or 0) - max(tuned)):+.1f} HOTA' if tuned else ''
    print(f'\n{title:<40}' + ''.join(f'{name:>10}' for name in TITLES))
    for name, one in figures.items():
        shares = (one.hota, one.det_a, one.ass_a, one.idf1)
        cells = ''.join(
            '         -' if share is None else f'{100 * share:10.1f}' for share in shares
        )
        print(f'{name:<40}{cells}{one.identity_switches:>10}{ahead if name == "ours" else ""}')


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('bags', nargs='*', type=Path, default=[ROOM])
    parser.add_argument('--seeds', type=int, default=5, help='of noise, judged')
    parser.add_argument('--model', default='indoor', help='or none')
    arguments = parser.parse_args()
    if not find_references():
        print(INSTALL)
    torch.set_num_threads(1)
    detector = None if arguments.model == 'none' else Detector.load(arguments.model)
    for bag in arguments.bags:
        scenes = read_scenes(bag)

        def noisy(seed: int, scenes: list[Scene] = scenes) -> Run:
            random = np.random.default_rng(seed)
            return Run.of(scenes, [add_noise(scene, random) for scene in scenes])

        judged = [noisy(seed) for seed in range(arguments.seeds)]
        cases = {'noise': (judged, [noisy(CHOOSING)])}
        if detector:
            found = [Run.of(scenes, [detector(scene.rgb) for scene in scenes])]
            cases[arguments.model] = found, found
        own = (len(scenes) - 1) / (scenes[-1].stamp - scenes[0].stamp)
        for name, (runs, choosing) in cases.items():
            for rate in (one for one in RATES if one < own + 1):
                step = round(own / rate)
                figures = measure_all(
                    [run.every(step) for run in runs], [run.every(step) for run in choosing], rate
                )
                report(f'{bag.name}, {name}, {rate} Hz', figures)


if __name__ == '__main__':
    main()
