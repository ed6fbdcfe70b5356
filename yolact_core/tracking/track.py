"""One object that is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from yolact_core.tracking.motion import Floats
from yolact_core.tracking.silhouettes import Silhouette

CLASS_MEMORY = 2.0  # seconds after which a vote for a class counts a third
NO_MASK = Silhouette.of((np.zeros((0, 0), np.bool_), (0, 0)))


@dataclass
class Track:
    """What is known of an object, besides where its box is.

    Args:
        id: Id that no other track has.
        first_image: Number of the image that it was first seen in.
        stamp: Seconds at which it was last seen.
        mask: Mask that it had then.
        centre: Pixels x and y where its box was supposed to have its centre then, shape (2,).
        votes: Sum of scores for each class, older ones counting less.
        class_id: Class with the most votes, the first of several.
    """

    id: str
    first_image: int
    stamp: float = 0.0
    mask: Silhouette = NO_MASK
    centre: Floats = field(default_factory=lambda: np.zeros(2))
    votes: dict[int, float] = field(default_factory=dict)
    class_id: int = 0

    def see(self, stamp: float, mask: Silhouette, class_id: int, score: float) -> None:
        """Take what a detection says of the object.

        Args:
            stamp: Seconds at which it is seen.
            mask: Mask of the detection.
            class_id: Class of the detection.
            score: Score of the detection, in (0, 1].
        """
        fade = math.exp(min(self.stamp - stamp, 0.0) / CLASS_MEMORY)
        self.votes = {known: fade * votes for known, votes in self.votes.items()}
        self.votes[class_id] = self.votes.get(class_id, 0.0) + score
        self.class_id = max(self.votes, key=lambda voted: (self.votes[voted], -voted))
        self.stamp, self.mask = stamp, mask
