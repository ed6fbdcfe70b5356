"""What was published, and how well on time."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_ros.player.recording import NS_PER_S


@dataclass
class Tally:
    """Counts the messages of one topic.

    Args:
        count: How many were published.
        first: When the first was, in ns.
        last: When the last was, in ns.
        latest: By how much the worst was behind its time, in ns.
    """

    count: int = 0
    first: int = 0
    last: int = 0
    latest: int = 0

    def add(self, now: int, late: int) -> None:
        """Count a message.

        Args:
            now: When it was published, in ns.
            late: By how much it was behind its time, in ns.
        """
        self.first = self.first if self.count else now
        self.last = now
        self.latest = max(self.latest, late)
        self.count += 1

    @property
    def rate(self) -> float:
        """Messages per second; 0 if there were not two."""
        elapsed = self.last - self.first
        return (self.count - 1) * NS_PER_S / elapsed if elapsed else 0.0

    def describe(self, topic: str) -> str:
        """Put it in words."""
        images = 'image' if self.count == 1 else 'images'
        return (
            f'published {self.count} {images} on {topic} at {self.rate:.2f} Hz, '
            f'the latest {self.latest / 1e6:.1f} ms behind its time'
        )
