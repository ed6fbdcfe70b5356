"""Stamps of messages, as recorded or as if recorded now."""

from __future__ import annotations

from typing import Any

from builtin_interfaces.msg import Time

from yolact_ros.player.recording import NS_PER_S

REMEMBERED = 256  # more messages than carry the same stamp within a moment


def to_stamp(time: int) -> Time:
    """Return the stamp of a time in ns since 1970."""
    return Time(sec=time // NS_PER_S, nanosec=time % NS_PER_S)


class Restamper:
    """Gives messages a new time; those that shared a stamp still do.

    So images and camera infos, or the two images of a stereo camera, still match exactly.
    """

    def __init__(self) -> None:
        self._times: dict[tuple[int, int], int] = {}

    def restamp(self, message: Any, now: int) -> None:  # noqa: ANN401 - any type of message
        """Set the stamps of a message to now.

        Args:
            message: With a header, or with transforms that have headers, or with none.
            now: Time in ns since 1970.
        """
        for header in _headers(message):
            old = (header.stamp.sec, header.stamp.nanosec)
            header.stamp = to_stamp(self._times.setdefault(old, now) if any(old) else now)
            while len(self._times) > REMEMBERED:
                del self._times[next(iter(self._times))]

    def forget(self) -> None:
        """Begin anew, with the next round."""
        self._times.clear()


def _headers(message: Any) -> list[Any]:  # noqa: ANN401 - any type of message
    if hasattr(message, 'header'):
        return [message.header]
    return [transform.header for transform in getattr(message, 'transforms', ())]
