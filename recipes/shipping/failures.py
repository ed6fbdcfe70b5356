"""Where a model fails, in pictures: truth and detections beside each other, the worst first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from recipes.shipping.sheets import MOST_BYTES, encode, into_cell, lay_out
from yolact_core import Detections, Detector
from yolact_core.cli.options import argument, option
from yolact_core.dataset import CocoDataset, Sample
from yolact_core.evaluation.matches import ImageMatches, match_image
from yolact_core.evaluation.results import result_of_image, truth_of_image
from yolact_core.terminal import say
from yolact_core.visualization import OverlayStyle, draw_overlay

CELL = (300, 400)  # height and width of each of the two pictures, pixels
CAPTION = 24  # height of the line above them, pixels
GAP = 8  # to the right of each, pixels
TRUTH = OverlayStyle(scores=False)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``failures``."""

    output: Path = argument('JPEG file to write')
    annotations: tuple[Path, ...] = option('COCO files', nargs='+', required=True)
    images: tuple[Path, ...] = option('folder of the images of each', nargs='+', required=True)
    model: str = option('name or file of the model', required=True)
    count: int = option('number of pictures', 8)
    columns: int = option('pairs beside each other', 2)
    score_threshold: float = option('in [0, 1)', 0.3)


@dataclass(frozen=True)
class Outcome:
    """How a model did in one picture.

    Args:
        name: Name of the picture.
        right: Number of objects that were found, with a mask of IoU 0.5 or more.
        wrong: Number of detections that are no object, or one that was found already.
        missed: Number of objects that were not found.
        truth: The picture with its objects, RGB.
        found: The picture with the detections, RGB.
    """

    name: str
    right: int
    wrong: int
    missed: int
    truth: NDArray[np.uint8]
    found: NDArray[np.uint8]

    @property
    def f_score(self) -> float:
        """Share of right ones among detections and objects, in [0, 1]; 1 without either."""
        errors = self.wrong + self.missed
        return 2 * self.right / (2 * self.right + errors) if self.right or errors else 1.0


def run(options: Options) -> None:
    """Draw the pictures in which a model does worst, truth on the left."""
    detector = Detector.load(
        options.model, backend='torch', score_threshold=options.score_threshold
    )
    outcomes: list[Outcome] = []
    for file, folder in zip(options.annotations, options.images, strict=True):
        outcomes += look(detector, CocoDataset(file, folder))
    worst = choose_worst(outcomes, options.count)
    cell = CELL[0] + CAPTION, 2 * (CELL[1] + GAP)
    sheet = lay_out([draw(outcome) for outcome in worst], options.columns, cell)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(encode(sheet, MOST_BYTES))
    say(f'the worst {len(worst)} of {len(outcomes)} pictures: {options.output}')


def look(detector: Detector, dataset: CocoDataset) -> Iterator[Outcome]:
    """Yield how a detector does in each picture, in the classes that it shares with the data set.

    Args:
        detector: The detector.
        dataset: Pictures and their truth. Regions to be ignored are not drawn; detections of
            classes that it does not annotate are, but do not count.
    """
    class_of = {
        index: detector.class_names.index(name)
        for index, name in enumerate(dataset.class_names)
        if name in detector.class_names
    }
    shared = set(class_of.values())
    for index in range(len(dataset)):
        sample = dataset[index]
        found = detector(sample.image)
        matches = match_image(
            truth_of_image(dataset.annotations, index, class_of),
            result_of_image(found, {one: one for one in shared}),
            'segm',
        )
        right, wrong, missed = count_matches(matches)
        truth = to_detections(sample, class_of, detector.class_names)
        yield Outcome(
            name=Path(dataset.annotations.file_names[index].decode()).stem,
            right=right,
            wrong=wrong,
            missed=missed,
            truth=draw_overlay(sample.image, truth, TRUTH),
            found=draw_overlay(sample.image, found),
        )


def count_matches(matches: ImageMatches) -> tuple[int, int, int]:
    """Return the numbers of right and wrong detections and of missed objects at IoU 0.5."""
    right = wrong = objects = 0
    for one in matches.values():
        is_match, is_ignored = one.is_match[0, 0], one.is_ignored[0, 0]
        right += int((is_match & ~is_ignored).sum())
        wrong += int((~is_match & ~is_ignored).sum())
        objects += int(one.objects[0])
    return right, wrong, objects - right


def to_detections(
    sample: Sample, class_of: dict[int, int], class_names: tuple[str, ...]
) -> Detections:
    """Return the objects of a picture as a perfect detector would find them.

    Args:
        sample: The picture and its truth.
        class_of: Class of the detector for each class of the data set that it knows.
        class_names: Names of all classes of the detector.
    """
    ids = sample.class_ids.tolist()
    pairs = zip(ids, sample.is_crowd.tolist(), strict=True)
    chosen = [
        index for index, (one, is_crowd) in enumerate(pairs) if one in class_of and not is_crowd
    ]
    scores = np.ones(len(chosen), np.float32)
    return Detections(
        boxes=sample.boxes[chosen].astype(np.float32),
        scores=scores,
        mask_scores=scores,
        class_ids=np.array([class_of[ids[index]] for index in chosen], np.int64),
        coefficients=np.zeros((len(chosen), 0), np.float32),
        masks=sample.masks[chosen],
        all_class_names=class_names,
    )


def choose_worst(outcomes: list[Outcome], count: int) -> list[Outcome]:
    """Return the outcomes of the lowest F-score; of equal ones those with most errors."""
    ranked = sorted(outcomes, key=lambda one: (one.f_score, -one.wrong - one.missed))
    return ranked[:count]


def draw(outcome: Outcome) -> NDArray[np.uint8]:
    """Return truth and detections beside each other, with a line of text above."""
    margins = ((0, 0), (0, GAP), (0, 0))
    pair = np.hstack(
        [
            np.pad(into_cell(picture, CELL), margins, constant_values=255)
            for picture in (outcome.truth, outcome.found)
        ]
    )
    caption = np.full((CAPTION, pair.shape[1], 3), 255, np.uint8)
    text = (
        f'{outcome.name}: truth (left), {outcome.right} found, {outcome.missed} missed, '
        f'{outcome.wrong} wrong, F-score {outcome.f_score:.2f}'
    )
    cv2.putText(
        caption, text, (6, CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA
    )
    return np.vstack([caption, pair])
