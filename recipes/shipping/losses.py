"""What a model loses in a precision, measured on pictures and written into its file.

All pictures count as one data set. Classes weigh alike in AP, so that where one has a single
object, two of its detections that swap their ranks move the mean of a small set by points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from yolact_core.checkpoints.checkpoint import read_checkpoint, write_checkpoint
from yolact_core.cli.options import argument, option
from yolact_core.dataset import CocoDataset
from yolact_core.detector import Detector
from yolact_core.evaluation import EvaluationOptions
from yolact_core.evaluation.bootstrap import draw_weights, interval_of
from yolact_core.evaluation.evaluation import detect_all
from yolact_core.evaluation.matches import match_image
from yolact_core.evaluation.weighted import WeightedPrecision, mean_of_defined
from yolact_core.terminal import say

RESAMPLES = 1000
BACKEND = 'openvino'

Points = npt.NDArray[np.float64]  # mask AP in percent: of all pictures, then of each resample


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``losses``."""

    model: Path = argument('checkpoint whose loss is written; its weights stay as they are')
    precision: str = option('precision that is compared with float32', required=True)
    exported: Path | None = option(
        'file of the model in that precision (default: the checkpoint, run by openvino)'
    )
    annotations: tuple[Path, ...] = option('COCO files', nargs='+', required=True)
    images: tuple[Path, ...] = option('folder of the images of each', nargs='+', required=True)


def run(options: Options) -> None:
    """Measure what a checkpoint loses in a precision, and write it into the checkpoint."""
    datasets = list(map(CocoDataset, options.annotations, options.images))
    plain = Detector.load(options.model, backend=BACKEND, precision='float32')
    reduced = Detector.load(
        options.exported or options.model, backend=BACKEND, precision=options.precision
    )
    points = mask_precision(plain, datasets) - mask_precision(reduced, datasets)
    weights, config, facts = read_checkpoint(options.model)
    losses = {**facts.losses, options.precision: round(float(points[0]), 2)}
    write_checkpoint(weights, config, dataclasses.replace(facts, losses=losses), options.model)
    interval = interval_of(points[1:])
    bracket = f' ({interval.low:.2f} to {interval.high:.2f})' if interval else ''
    say(f'{options.model}: {options.precision} loses {points[0]:.2f}{bracket} of mask AP')


def mask_precision(detector: Detector, datasets: Sequence[CocoDataset]) -> Points:
    """Return mask AP on all pictures together, then on pictures drawn anew, in percent.

    Args:
        detector: The model in one precision.
        datasets: Pictures with the same classes.

    Raises:
        SystemExit: The data sets have different classes.
    """
    found = [detect_all(detector, dataset, EvaluationOptions()) for dataset in datasets]
    names = {one.class_names for one in found}
    if len(names) != 1:
        raise SystemExit(f'the data sets must have the same classes, got {len(names)} lists')
    matches = [
        match_image(truth, result, 'segm')
        for one in found
        for truth, result in zip(one.truths, one.results, strict=True)
    ]
    weights = np.stack([np.ones(len(matches)), *draw_weights(len(matches), RESAMPLES)])
    by_class = WeightedPrecision(matches, len(names.pop())).by_class(weights)  # (1 + R, C, T)
    return 100 * mean_of_defined(by_class, axis=(1, 2))
