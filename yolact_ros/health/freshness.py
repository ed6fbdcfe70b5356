"""How old images are, by their stamps, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

NANOSECONDS = 1e-9
TOLERANCE = 0.1  # seconds by which the clocks of two machines may differ

Outcome = Literal['processed', 'dropped_stale', 'unreadable', 'failed']


@dataclass
class Counters:
    """What became of the images of one camera.

    Received ones are the sum of all others, of the one that waits and of the one being worked on.
    """

    received: int = 0
    processed: int = 0
    dropped_busy: int = 0
    dropped_stale: int = 0
    unreadable: int = 0
    failed: int = 0


@dataclass
class Stamps:
    """What was odd about the stamps of one camera's images.

    Args:
        zero: Number of stamps that were never set: the age of the image is unknown.
        future: Number of stamps ahead of the node's clock.
        backwards: Number of stamps earlier than the one before, as when a bag starts again.
        latest: The last stamp, nanoseconds.
    """

    zero: int = 0
    future: int = 0
    backwards: int = 0
    latest: int = 0

    def age(self, stamp: int, now: int) -> float:
        """Note a stamp and return its age.

        Args:
            stamp: Stamp of the image, nanoseconds; 0: never set.
            now: Time by the node's clock, nanoseconds.

        Returns:
            Seconds, negative for a stamp from the future; NaN if it was never set.
        """
        if stamp == 0:
            self.zero += 1
            return float('nan')
        age = (now - stamp) * NANOSECONDS
        self.future += age < -TOLERANCE
        self.backwards += stamp < self.latest
        self.latest = stamp
        return age


@dataclass(frozen=True)
class Freshness:
    """What became of the images of one camera, and what was odd about them.

    Args:
        counters: Counts since the node became active.
        stamps: Odd stamps since the node was configured.
        last_error: Why an image was skipped, or empty.
    """

    counters: Counters = field(default_factory=Counters)
    stamps: Stamps = field(default_factory=Stamps)
    last_error: str = ''
