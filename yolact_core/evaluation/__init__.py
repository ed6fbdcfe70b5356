"""How exact and how fast a detector is."""

from yolact_core.evaluation.evaluation import (
    Evaluation,
    Findings,
    Precisions,
    assess,
    detect_all,
    evaluate,
    evaluate_detections,
)
from yolact_core.evaluation.options import EvaluationOptions
from yolact_core.evaluation.precision import AveragePrecision
from yolact_core.evaluation.results import ImageResult, ImageTruth

__all__ = [
    'AveragePrecision',
    'Evaluation',
    'EvaluationOptions',
    'Findings',
    'ImageResult',
    'ImageTruth',
    'Precisions',
    'assess',
    'detect_all',
    'evaluate',
    'evaluate_detections',
]
