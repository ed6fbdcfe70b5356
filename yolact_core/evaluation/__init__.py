"""Accuracy and speed of a detector."""

from yolact_core.evaluation.bootstrap import Interval
from yolact_core.evaluation.evaluation import (
    Evaluation,
    EvaluationOptions,
    Precisions,
    assess,
    detect_all,
    evaluate,
    evaluate_detections,
)
from yolact_core.evaluation.precision import AveragePrecision, PrecisionIntervals
from yolact_core.evaluation.results import DatasetResults, ImageResult, ImageTruth
from yolact_core.evaluation.tracks import TrackedImage, TrackFigures, measure_tracks

__all__ = [
    'AveragePrecision',
    'DatasetResults',
    'Evaluation',
    'EvaluationOptions',
    'ImageResult',
    'ImageTruth',
    'Interval',
    'PrecisionIntervals',
    'Precisions',
    'TrackFigures',
    'TrackedImage',
    'assess',
    'detect_all',
    'evaluate',
    'evaluate_detections',
    'measure_tracks',
]
