"""How to evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yolact_core.errors import InputError

Protocol = Literal['coco', 'original']
PROTOCOLS = ('coco', 'original')


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate.

    Args:
        protocol: ``coco`` is pycocotools on all images. ``original`` is the rules of the
            original's own code, on images that have annotations.
        score_threshold: Class score that counts as found; 0 gives the whole precision-recall
            curve and is what published figures use.
        limit: Take the first so many images only; None means all.

    Raises:
        InputError: The protocol is unknown or the limit below 1.
    """

    protocol: Protocol = 'coco'
    score_threshold: float = 0.0
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise InputError(
                f'protocol must be one of {", ".join(PROTOCOLS)}, got {self.protocol!r}'
            )
        if self.limit is not None and self.limit < 1:
            raise InputError(f'limit must be at least 1, got {self.limit}')
