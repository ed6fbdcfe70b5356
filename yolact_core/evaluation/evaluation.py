"""Accuracy and speed of a detector on a data set."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.evaluation.original import original_precision
from yolact_core.evaluation.precision import AveragePrecision, coco_precision
from yolact_core.evaluation.results import (
    DatasetResults,
    ImageResult,
    ImageTruth,
    result_of_image,
    truth_of_image,
)
from yolact_core.threads import read_ahead
from yolact_core.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yolact_core.dataset import CocoDataset
    from yolact_core.evaluation.matches import Kind

ProtocolName = Literal['coco', 'original']

PROTOCOLS = get_args(ProtocolName)
WARM_UP = 3  # images at the start that the mean times leave out


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate.

    Args:
        protocol: ``coco`` is pycocotools on all images. ``original`` is the rules of the
            original's own code, on images that have annotations.
        score_threshold: Class score that counts as found; 0 gives the whole precision-recall
            curve and is what published figures use.
        limit: Take the first so many images only; None means all.
        resamples: How often images are drawn anew for the 95 % intervals of AP; 0 leaves them
            out, as the rules of the original demand.

    Raises:
        InputError: The protocol is unknown, the limit below 1, the number of resamples below 0,
            or above it by the rules of the original.
    """

    protocol: ProtocolName = 'coco'
    score_threshold: float = 0.0
    limit: int | None = None
    resamples: int = 0

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            known = ', '.join(PROTOCOLS)
            raise InputError(f'protocol must be one of {known}, got {self.protocol!r}')
        if self.limit is not None and self.limit < 1:
            raise InputError(f'limit must be at least 1, got {self.limit}')
        if self.resamples < 0:
            raise InputError(f'resamples must be at least 0, got {self.resamples}')
        if self.resamples and self.protocol != 'coco':
            raise InputError(f'resamples must be 0 for {self.protocol}, got {self.resamples}')


@dataclass(frozen=True)
class Precisions:
    """Average precision of boxes and of masks."""

    box: AveragePrecision
    mask: AveragePrecision


@dataclass(frozen=True)
class Evaluation:
    """How well a detector did, and what exactly was measured.

    Args:
        model: Configuration and start of the sha256 of the weights.
        dataset: Name of the annotation file.
        images: Number of images that were evaluated.
        objects: Number of objects to find, crowds not counted.
        objects_by_class: Number of these objects of each class.
        options: How it was evaluated.
        detector: The detector's thresholds and limits, and what ran it.
        unknown_classes: Classes of the data set that the model does not know; they are left out.
        precisions: Precision of boxes and of masks.
        timing: Mean seconds of an image by stage.
    """

    model: str
    dataset: str
    images: int
    objects: int
    objects_by_class: dict[str, int]
    options: EvaluationOptions
    detector: dict[str, Any]
    unknown_classes: tuple[str, ...]
    precisions: Precisions
    timing: Timing

    @property
    def box(self) -> AveragePrecision:
        """Average precision of the boxes."""
        return self.precisions.box

    @property
    def mask(self) -> AveragePrecision:
        """Average precision of the masks."""
        return self.precisions.mask

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return dataclasses.asdict(self)


def evaluate(
    detector: Detector,
    dataset: CocoDataset,
    options: EvaluationOptions | None = None,
    on_image: Callable[[], None] | None = None,
) -> Evaluation:
    """Run a detector over a data set and compare with the truth.

    Args:
        detector: Detector, whose options hold except for the score threshold.
        dataset: Images and their truth.
        options: How to evaluate.
        on_image: Function that is called after each image.

    Raises:
        InputError: An image cannot be read, data set and detector have no class in common, or
            pycocotools is not installed.
    """
    options = options or EvaluationOptions()
    return assess(detect_all(detector, dataset, options, on_image), detector, dataset, options)


def detect_all(
    detector: Detector,
    dataset: CocoDataset,
    options: EvaluationOptions,
    on_image: Callable[[], None] | None = None,
) -> DatasetResults:
    """Run a detector over a data set, keeping masks as run lengths only.

    Raises:
        InputError: An image cannot be read, or data set and detector have no class in common.
    """
    shared = tuple(name for name in dataset.class_names if name in detector.class_names)
    if not shared:
        raise InputError(
            f'data set and model must share a class, got {_list_some(dataset.class_names)} '
            f'and {_list_some(detector.class_names)}'
        )
    in_dataset = {dataset.class_names.index(name): index for index, name in enumerate(shared)}
    in_detector = {detector.class_names.index(name): index for index, name in enumerate(shared)}
    images = images_to_evaluate(dataset, options)
    truths, results, timings = [], [], []
    threshold = detector.options.score_threshold
    detector.configure(score_threshold=options.score_threshold)
    reading = read_ahead((image, dataset.read_image(image)) for image in images)
    try:
        with closing(reading) as read:
            for image, rgb in read:
                detections = detector(rgb)
                timings.append(detector.timing)
                truths.append(truth_of_image(dataset.annotations, image, in_dataset))
                results.append(result_of_image(detections, in_detector))
                if on_image:
                    on_image()
    finally:
        detector.configure(score_threshold=threshold)
    return DatasetResults(shared, images, truths, results, _mean_timing(timings))


def images_to_evaluate(dataset: CocoDataset, options: EvaluationOptions) -> list[int]:
    """Return the indices of the images that take part."""
    counts = np.diff(dataset.annotations.starts)
    chosen = np.flatnonzero(counts) if options.protocol == 'original' else np.arange(len(counts))
    images: list[int] = chosen[: options.limit].tolist()
    return images


def assess(
    found: DatasetResults, detector: Detector, dataset: CocoDataset, options: EvaluationOptions
) -> Evaluation:
    """Return how good the results on a data set are.

    Raises:
        InputError: pycocotools is not installed.
    """
    names = found.class_names
    ids = [truth.class_ids[~truth.is_crowd] for truth in found.truths]
    counts = np.bincount(np.concatenate([*ids, np.zeros(0, np.int64)]), minlength=len(names))
    return Evaluation(
        model=detector.model_id,
        dataset=dataset.path.name,
        images=len(found.images),
        objects=int(counts.sum()),
        objects_by_class=dict(zip(names, counts.tolist(), strict=True)),
        options=options,
        detector={
            **dataclasses.asdict(detector.options),
            'score_threshold': options.score_threshold,
            'input_size': detector.config.input_size,
            'backend': detector.backend,
            'precision': detector.precision,
        },
        unknown_classes=tuple(name for name in dataset.class_names if name not in names),
        precisions=evaluate_detections(
            found.truths, found.results, names, options.protocol, options.resamples
        ),
        timing=found.timing,
    )


def evaluate_detections(
    truths: Sequence[ImageTruth],
    results: Sequence[ImageResult],
    class_names: Sequence[str],
    protocol: ProtocolName = 'coco',
    resamples: int = 0,
) -> Precisions:
    """Compare what was found, wherever it comes from, with what there is.

    Args:
        truths: Objects of each image.
        results: What was found in each of the same images, in the same order.
        class_names: Name of each class id.
        protocol: See ``EvaluationOptions``.
        resamples: See ``EvaluationOptions``.

    Raises:
        InputError: pycocotools is not installed.
    """

    def measure(kind: Kind) -> AveragePrecision:
        if protocol == 'original':
            return original_precision(truths, results, class_names, kind)
        return coco_precision(truths, results, class_names, kind, resamples)

    return Precisions(box=measure('bbox'), mask=measure('segm'))


def _mean_timing(timings: list[Timing]) -> Timing:
    counted = timings[WARM_UP:] or timings
    if not counted:
        return Timing()
    seconds = np.array([dataclasses.astuple(timing) for timing in counted])
    return Timing(*seconds.mean(axis=0).tolist())


def _list_some(names: tuple[str, ...], most: int = 5) -> str:
    return ', '.join([*names[:most], *(['...'] if len(names) > most else [])])
