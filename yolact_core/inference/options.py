"""What counts as a detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from yolact_core.errors import InputError
from yolact_core.records import check_fields


@dataclass(frozen=True)
class DetectorOptions:
    """What counts as a detection.

    Args:
        score_threshold: Threshold that the class score of a detection exceeds, in [0, 1).
        candidate_threshold: Priors whose best class score exceeds it take part in NMS, in (0, 1).
        iou_threshold: Boxes of a class that overlap more than this are the same object, in (0, 1].
        top_k: Number of boxes per class that take part in Fast NMS.
        max_detections: Largest number of detections per image.
        class_agnostic: Whether boxes drop each other across classes.
        nms: Kind of non-maximum suppression, ``fast`` or ``traditional``.
        classes: Names of the classes to look for; none means all. The others take no part in NMS
            and do not count towards ``max_detections``.

    Raises:
        InputError: A value is outside its range.
    """

    score_threshold: float = 0.3
    candidate_threshold: float = 0.05
    iou_threshold: float = 0.5
    top_k: int = 200
    max_detections: int = 100
    class_agnostic: bool = False
    nms: Literal['fast', 'traditional'] = 'fast'
    classes: Sequence[str] = ()

    def __post_init__(self) -> None:
        rules = {
            'score_threshold must be in [0, 1)': 0 <= self.score_threshold < 1,
            'candidate_threshold must be in (0, 1)': 0 < self.candidate_threshold < 1,
            'iou_threshold must be in (0, 1]': 0 < self.iou_threshold <= 1,
            'top_k must be at least 1': self.top_k >= 1,
            'max_detections must be at least 1': self.max_detections >= 1,
            'nms must be fast or traditional': self.nms in ('fast', 'traditional'),
            'classes must be a sequence of names': not isinstance(self.classes, str),
        }
        check_fields(self, rules)
        object.__setattr__(self, 'classes', tuple(self.classes))

    @property
    def least_score(self) -> float:
        """Score that the best class of a box must exceed for the box to take part."""
        return max(self.candidate_threshold, self.score_threshold)


def check_classes(wanted: Sequence[str], known: Sequence[str], name: str = 'classes') -> None:
    """Refuse classes that a model does not know.

    Args:
        wanted: Names of the classes to look for.
        known: Names of the classes that the model knows.
        name: Name of the option that lists them.

    Raises:
        InputError: One of them is unknown.
    """
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise InputError(f'{name} must be among {", ".join(known)}, got {unknown[0]!r}')
