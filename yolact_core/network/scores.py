"""From class logits to scores: a softmax over classes and background, or sigmoids."""

import math

import torch
from torch import Tensor

from yolact_core.compiled import kernels
from yolact_core.config import ScoreKind

ROUNDING = 1e-3  # of logits, on the safe side


def class_scores(class_logits: Tensor, kind: ScoreKind = 'softmax') -> Tensor:
    """Return the score of each foreground class.

    Args:
        class_logits: Class logits, of a softmax background first, shape (..., C + 1), of sigmoids
            without, shape (..., C).
        kind: Which of them.

    Returns:
        Scores in [0, 1], shape (..., C).
    """
    if kind == 'sigmoid':
        return class_logits.sigmoid()
    return class_logits.softmax(dim=-1)[..., 1:]


def class_margins(class_logits: Tensor, kind: ScoreKind = 'softmax') -> Tensor:
    """Return how far the best class of each prior is above what it competes with.

    That is the background of a softmax, and nothing of sigmoids.

    Args:
        class_logits: Class logits (see ``class_scores``), shape (..., C + 1) or (..., C).
        kind: Kind of the logits.

    Returns:
        Differences of logits, shape (...).
    """
    if kind == 'sigmoid':
        return class_logits.amax(dim=-1)
    return class_logits[..., 1:].amax(dim=-1) - class_logits[..., 0]


def may_score(class_logits: Tensor, threshold: float, kind: ScoreKind = 'softmax') -> Tensor:
    """Rule priors out that score no more than a threshold, without computing scores.

    Args:
        class_logits: Class logits (see ``class_scores``), shape (A, C + 1) or (A, C).
        threshold: Threshold of the scores, in (0, 1).
        kind: Kind of the logits.

    Returns:
        False for priors whose scores are certainly not above the threshold, shape (A,).
    """
    # A class with logit f scores below 1 / (1 + e^(b - f)), b being the logit of the background.
    least = math.log(threshold) - math.log1p(-threshold) - ROUNDING
    is_plain = class_logits.is_cpu and class_logits.dtype == torch.float32
    if kernels is None or not is_plain or class_logits.stride(-1) != 1:
        return class_margins(class_logits, kind) > least
    found = class_logits.new_empty(len(class_logits), dtype=torch.bool)
    kernels.may_score(class_logits.detach().numpy(), least, kind == 'softmax', found.numpy())
    return found
