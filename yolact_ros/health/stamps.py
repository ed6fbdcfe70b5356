"""How old images are, by their stamps, and which stamps cannot be right."""

from __future__ import annotations

from dataclasses import dataclass

NANOSECONDS = 1e-9
TOLERANCE = 0.1  # seconds by which the clocks of two machines may differ


@dataclass
class Stamps:
    """What was odd about the stamps of one camera's images.

    Args:
        zero: Stamps that were never set: the age of the image is unknown.
        future: Stamps ahead of the node's clock.
        backwards: Stamps earlier than the one before, as when a bag starts again.
        latest: The last stamp, nanoseconds.
    """

    zero: int = 0
    future: int = 0
    backwards: int = 0
    latest: int = 0

    def age(self, stamp: int, now: int) -> float:
        """Note a stamp and return its age.

        Args:
            stamp: Nanoseconds; 0 if it was never set.
            now: By the node's clock, nanoseconds.

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
