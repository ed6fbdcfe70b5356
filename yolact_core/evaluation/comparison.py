"""The tables of the paper on any data set: the same model with one thing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.evaluation.evaluation import EvaluationOptions
from yolact_core.network import resize_network

PAPER_SIZES = (400, 550, 700)
PAPER_SIZE = 550


class Variant(NamedTuple):
    """One row of a comparison.

    Attributes:
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
    """Yield the variants that subjects ask for, one after the other.

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
        yield from SUBJECTS[subject](detector, options, precision)


def _nms(detector: Detector, options: EvaluationOptions, _precision: str) -> Iterator[Variant]:
    before = detector.options.nms
    try:
        for nms in ('fast', 'traditional'):
            detector.configure(nms=nms)
            yield Variant('nms', nms, detector, options)
    finally:
        detector.configure(nms=before)


def _size(detector: Detector, options: EvaluationOptions, precision: str) -> Iterator[Variant]:
    for paper_size in PAPER_SIZES:
        size = round(detector.config.input_size * paper_size / PAPER_SIZE)
        resized = Detector(resize_network(detector.network, size), precision)
        resized.options = detector.options
        yield Variant('size', str(size), resized, options)


def _threshold(
    detector: Detector, options: EvaluationOptions, _precision: str
) -> Iterator[Variant]:
    for threshold in (0.0, detector.options.candidate_threshold):
        chosen = replace(options, score_threshold=threshold)
        yield Variant('threshold', str(threshold), detector, chosen)


SUBJECTS = {'nms': _nms, 'size': _size, 'threshold': _threshold}
