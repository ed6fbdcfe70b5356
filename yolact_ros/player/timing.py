"""When messages are published, with which stamps, and how well on time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage

from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.messages.stamps import split_time

REMEMBERED = 256  # more messages than carry the same stamp within a moment


class Pace:
    """Waits for positions of a recording.

    Each is due at a fixed time after the first one was, so that no delay adds to the next.

    Args:
        speed: 2.0 plays twice as fast as recorded.
        rest: Does nothing for at most the given number of seconds, and returns whether to go on.
        now: A clock in ns that never jumps.
    """

    def __init__(
        self,
        speed: float,
        rest: Callable[[float], bool],
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._speed = speed
        self._rest = rest
        self._now = now
        self._began: int | None = None

    @property
    def position(self) -> int:
        """Where a recording would be now, in ns; 0 before the first wait."""
        return 0 if self._began is None else round((self._now() - self._began) * self._speed)

    def wait_for(self, position: int) -> bool:
        """Wait until a position is due, and return whether to go on; late ones are due at once."""
        if self._began is None:
            self._began = self._now() - round(position / self._speed)
        due = self._began + round(position / self._speed)
        while (remaining := due - self._now()) > 0:
            if not self._rest(remaining / NS_PER_S):
                return False
        return self._rest(0.0)


@dataclass(frozen=True)
class Mark:
    """A position that has a time, both in ns.

    Args:
        position: Where it is in the recording.
        time: Time at that position.
        is_behind_gap: Whether some of the time before it was left out.
    """

    position: int
    time: int
    is_behind_gap: bool = False


class SimulatedClock:
    """Publishes ``/clock``: the time of each message just before it, and steps in between.

    Args:
        node: Node that publishes it.
        rate: Steps per second of real time.
        pace: Pace of the recording, which knows the position.
    """

    def __init__(self, node: Node, rate: float, pace: Pace) -> None:
        self._pace = pace
        self._publisher = node.create_publisher(ClockMessage, '/clock', 10)
        self._past: Mark | None = None
        self._next: Mark | None = None
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # not that which it publishes itself
        node.create_timer(1 / rate, self._step, clock=steady)

    def approach(self, upcoming: Mark) -> None:
        """Take note of the next message."""
        self._next = upcoming

    def arrive(self) -> None:
        """Publish the time of the message that was next."""
        self._past, self._next = self._next, None
        if self._past is not None:
            self._publish(self._past.time)

    def _step(self) -> None:
        if self._past is not None and self._next is not None:
            self._publish(interpolate(self._past, self._next, self._pace.position))

    def _publish(self, time: int) -> None:
        self._publisher.publish(ClockMessage(clock=to_stamp(time)))


def interpolate(past: Mark, upcoming: Mark, position: int) -> int:
    """Return the time of a position between two, never behind the second, in ns.

    Where time jumps, back between two rounds or over a gap, it goes on until then.
    """
    since = max(position - past.position, 0)
    if upcoming.time < past.time or upcoming.is_behind_gap:
        return past.time + since
    length = upcoming.position - past.position
    share = min(since / length, 1.0) if length > 0 else 1.0
    return past.time + round((upcoming.time - past.time) * share)


class Restamper:
    """Gives messages a new time; those that shared a stamp still do.

    So images and camera infos, or the two images of a stereo camera, still match exactly.
    """

    def __init__(self) -> None:
        self._times: dict[tuple[int, int], int] = {}

    def restamp(self, message: Any, now: int) -> None:  # noqa: ANN401 - any type of message
        """Set the stamps of a message to now.

        Args:
            message: Message of any type, whose own header, or those of its transforms, are set.
            now: Time in ns since 1970.
        """
        transforms = getattr(message, 'transforms', ())
        for owner in (message,) if hasattr(message, 'header') else transforms:
            stamp = owner.header.stamp
            old = (stamp.sec, stamp.nanosec)
            owner.header.stamp = to_stamp(self._times.setdefault(old, now) if any(old) else now)
            while len(self._times) > REMEMBERED:
                del self._times[next(iter(self._times))]

    def forget(self) -> None:
        """Begin anew, with the next round."""
        self._times.clear()


def to_stamp(time: int) -> Time:
    """Return the stamp of a time in ns since 1970, or the nearest that there is."""
    seconds, nanoseconds = split_time(time)
    return Time(sec=seconds, nanosec=nanoseconds)


@dataclass
class Tally:
    """Counts the messages of one topic.

    Args:
        count: Number of messages published.
        first: When the first was published, in ns.
        last: When the last was published, in ns.
        latest: Longest delay behind the time when a message was due, in ns.
    """

    count: int = 0
    first: int = 0
    last: int = 0
    latest: int = 0

    def add(self, now: int, late: int) -> None:
        """Count a message.

        Args:
            now: When it was published, in ns.
            late: Delay behind the time when it was due, in ns.
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
        """Return a sentence about the topic for people."""
        images = 'image' if self.count == 1 else 'images'
        return (
            f'published {self.count} {images} on {topic} at {self.rate:.2f} Hz, '
            f'the latest {self.latest / 1e6:.1f} ms behind its time'
        )
