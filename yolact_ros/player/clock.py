"""The time of a recording, published as simulated time."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock as ClockMessage

from yolact_ros.player.pace import Pace
from yolact_ros.player.stamps import to_stamp


@dataclass(frozen=True)
class Mark:
    """A position that has a time, both in ns."""

    position: int
    time: int


class SimulatedClock:
    """Publishes ``/clock``: the time of each message just before it, and steps in between.

    Args:
        node: Whose topic it is.
        rate: Steps per second of real time.
        pace: Knows the position.
    """

    def __init__(self, node: Node, rate: float, pace: Pace) -> None:
        self._pace = pace
        self._publisher = node.create_publisher(ClockMessage, '/clock', 10)
        self._past: Mark | None = None
        self._next: Mark | None = None
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # not that which it publishes itself
        node.create_timer(1 / rate, self._step, clock=steady)

    def approach(self, position: int, time: int) -> None:
        """Take note of the next message."""
        self._next = Mark(position, time)

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

    Where time jumps back, as it does between two rounds, it goes on until then.
    """
    since = max(position - past.position, 0)
    if upcoming.time < past.time:
        return past.time + since
    length = upcoming.position - past.position
    share = min(since / length, 1.0) if length > 0 else 1.0
    return past.time + round((upcoming.time - past.time) * share)
