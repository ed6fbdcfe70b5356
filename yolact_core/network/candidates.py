"""The most promising priors of each image: all that needs to leave a graph."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from yolact_core.config import ScoreKind
from yolact_core.network.scores import class_margins
from yolact_core.network.yolact import Prediction


class Candidates(NamedTuple):
    """A prediction for N priors of each image instead of for all of them.

    Attributes:
        box_offsets: Boxes encoded against the priors by ``box_coding``, shape (B, N, 4).
        class_logits: Class logits, as in ``Prediction``, shape (B, N, C + 1) or (B, N, C).
        coefficients: Mask coefficients in [-1, 1], shape (B, N, K).
        prototypes: Non-negative prototype masks, shape (B, K, Hp, Wp).
        prior_ids: Index of each among all priors, in ascending order, int64, shape (B, N).
    """

    box_offsets: Tensor
    class_logits: Tensor
    coefficients: Tensor
    prototypes: Tensor
    prior_ids: Tensor

    def pick_priors(self, priors: Tensor) -> Tensor:
        """Return the priors that the prediction is for, (A, 4) -> (..., N, 4)."""
        return priors[self.prior_ids]


def pick_candidates(prediction: Prediction, count: int, kind: ScoreKind) -> Candidates:
    """Pick the priors whose best class is farthest above what it competes with.

    These are the ones that pass a threshold of scores, if no more than ``count`` do.

    Args:
        prediction: Prediction for a batch of images.
        count: Number of priors of each image; all, if there are fewer.
        kind: Kind of the class logits.
    """
    margins = class_margins(prediction.class_logits, kind)  # (B, A)
    best = margins.topk(min(count, margins.shape[1])).indices
    prior_ids = best.sort().values  # (B, N), so that equal scores keep their order
    return Candidates(
        pick_rows(prediction.box_offsets, prior_ids),
        pick_rows(prediction.class_logits, prior_ids),
        pick_rows(prediction.coefficients, prior_ids),
        prediction.prototypes,
        prior_ids,
    )


def pick_rows(values: Tensor, prior_ids: Tensor) -> Tensor:
    """Return the values of some priors, (B, A, V) -> (B, N, V), by their indices, (B, N)."""
    return values.gather(1, prior_ids.unsqueeze(-1).expand(-1, -1, values.shape[-1]))
