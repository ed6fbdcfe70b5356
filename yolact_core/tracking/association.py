"""Which detection continues which track."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from yolact_core.tracking.motion import Floats


def associate(stages: list[Floats], least: float) -> dict[int, int]:
    """Pair tracks with detections in stages, each among what earlier ones left.

    Args:
        stages: Similarity of each track with each detection, shape (T, N), at least one stage.
            Each stage makes the sum of its similarities the largest.
        least: Similarity below which two are not the same object, greater than 0.

    Returns:
        Detection that continues each track that one continues, both as indices.
    """
    is_left = np.ones(stages[0].shape, np.bool_)
    continued: dict[int, int] = {}
    for similarity in stages:
        found = _assign(np.where(is_left, similarity, 0.0), least)
        is_left[list(found)] = False
        is_left[:, list(found.values())] = False
        continued |= found
    return continued


def _assign(similarity: Floats, least: float) -> dict[int, int]:
    usable = np.where(similarity >= least, similarity, 0.0)
    rows, columns = usable.any(axis=1).nonzero()[0], usable.any(axis=0).nonzero()[0]
    picked = linear_sum_assignment(-usable[np.ix_(rows, columns)])
    pairs = zip(rows[picked[0]].tolist(), columns[picked[1]].tolist(), strict=True)
    return {track: detection for track, detection in pairs if usable[track, detection] > 0}
