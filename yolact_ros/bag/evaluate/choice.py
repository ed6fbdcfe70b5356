"""Which detections count as found, and under which class ids."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections


@dataclass(frozen=True)
class Choice:
    """What of a candidate's detections is looked at.

    Args:
        class_names: Names of the classes that are evaluated.
        score_threshold: Detections that score above it count as found; AP counts all of them.
    """

    class_names: tuple[str, ...]
    score_threshold: float

    def class_of(self, detections: Detections) -> dict[int, int]:
        """Return the class id of this evaluation for each class id of a candidate."""
        return {
            index: self.class_names.index(name)
            for index, name in enumerate(detections.all_class_names)
            if name in self.class_names
        }

    def is_found(self, detections: Detections) -> npt.NDArray[np.bool_]:
        """Return whether each detection counts as found, shape (N,)."""
        is_known = np.isin(detections.class_ids, list(self.class_of(detections)))
        return np.asarray(is_known & (detections.scores > self.score_threshold))

    def select(self, detections: Detections) -> Detections:
        """Return the detections that count as found, with the class ids of this evaluation."""
        class_of = self.class_of(detections)
        kept = detections[self.is_found(detections)]
        class_ids = np.array([class_of[one] for one in kept.class_ids.tolist()], dtype=np.int64)
        return replace(kept, class_ids=class_ids, all_class_names=self.class_names)
