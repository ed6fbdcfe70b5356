"""The tables of the paper on any data set: the same model with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.evaluation.evaluation import EvaluationOptions
from yolact_core.network import resize_network

SUBJECTS = ('nms', 'size', 'threshold')
PAPER_SIZES = (400, 550, 700)
PAPER_SIZE = 550


@dataclass(frozen=True)
class Variant:
    """One row of a comparison.

    Args:
        subject: What differs between the rows.
        value: Value of the subject in this row.
        detector: Detector to be evaluated.
        options: Options to evaluate it with.
    """

    subject: str
    value: str
    detector: Detector
    options: EvaluationOptions


def variants(
    subjects: tuple[str, ...], detector: Detector, options: EvaluationOptions, precision: str
) -> Iterator[Variant]:
    """Give the variants that subjects ask for, one after the other.

    Args:
        subjects: ``nms``: Fast NMS against traditional NMS. ``size``: input sizes as 400, 550 and
            700 are to each other, with the same weights (the paper trained one network for
            each). ``threshold``: all detections against those above the candidate threshold.
        detector: The model.
        options: How to evaluate.
        precision: Precision of the model's arithmetic, such as ``float32``.

    Raises:
        InputError: A subject is unknown.
    """
    for subject in subjects:
        if subject not in SUBJECTS:
            raise InputError(f'comparison must be one of {", ".join(SUBJECTS)}, got {subject!r}')
    for subject in subjects:
        if subject == 'nms':
            yield from _nms_variants(detector, options)
        elif subject == 'size':
            yield from _size_variants(detector, options, precision)
        else:
            yield from _threshold_variants(detector, options)


def _nms_variants(detector: Detector, options: EvaluationOptions) -> Iterator[Variant]:
    before = detector.options.nms
    try:
        for nms in ('fast', 'traditional'):
            detector.configure(nms=nms)
            yield Variant('nms', nms, detector, options)
    finally:
        detector.configure(nms=before)


def _size_variants(
    detector: Detector, options: EvaluationOptions, precision: str
) -> Iterator[Variant]:
    for paper_size in PAPER_SIZES:
        size = round(detector.config.input_size * paper_size / PAPER_SIZE)
        resized = Detector(resize_network(detector.network, size), precision)
        resized.options = detector.options
        yield Variant('size', str(size), resized, options)


def _threshold_variants(detector: Detector, options: EvaluationOptions) -> Iterator[Variant]:
    for threshold in (0.0, detector.options.candidate_threshold):
        chosen = replace(options, score_threshold=threshold)
        yield Variant('threshold', str(threshold), detector, chosen)
