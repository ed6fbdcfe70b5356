"""Recorded messages, looked up by the stamps of their images while both are read in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import NamedTuple

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.messages.stamps import stamp_of

WINDOW = 10 * NS_PER_S  # ns that a message may have been recorded before or after its image


class HeldMessage(NamedTuple):
    """A message that is kept in memory.

    Attributes:
        time: Time of recording, ns.
        stamp: Stamp of its header, ns; without one, the time of recording.
        message: The message itself.
    """

    time: int
    stamp: int
    message: Message


class StampIndex:
    """Messages of a topic by stamp; only those around the current image are kept in memory.

    A message without a stamp belongs to the image without a stamp that was recorded at the same
    time. Of several with one stamp, that belongs to an image which has the same place among those
    recorded at the same time, as in the results that ``yolact bag run`` writes.

    Args:
        bag: Bag, open for reading, which ``close`` closes.
        topic: Topic of messages that have a header.
    """

    def __init__(self, bag: Bag, topic: str) -> None:
        self._bag = bag
        self._topic = topic
        self._messages: Generator[tuple[Entry, Message], None, None] | None = None
        self._held: deque[HeldMessage] = deque()
        self._asked = 0

    def close(self) -> None:
        """Close the bag."""
        self._stop()
        self._bag.close()

    def find(self, stamp: int, time: int, place: int = 0) -> Message | None:
        """Return the message with a stamp, or None.

        Args:
            stamp: Stamp of the image, ns; 0 if it has none.
            time: Time when the image was recorded, ns; fastest if it grows from call to call.
            place: Number of the image among those that were recorded at that very time, from 0.

        Raises:
            InputError: Several messages have the stamp, and none of them this place.
        """
        if self._messages is None or not 0 <= time - self._asked <= WINDOW:
            self._stop()
            self._messages = self._bag.messages([self._topic], time - WINDOW)
        self._asked = time
        while not self._held or self._held[-1].time <= time + WINDOW:
            found = next(self._messages, None)
            if found is None:
                break
            entry, message = found
            own = stamp_of(message.header) or entry.time
            self._held.append(HeldMessage(entry.time, own, message))
        while self._held and self._held[0].time < time - WINDOW:
            self._held.popleft()
        return self._choose(stamp or time, time, place)

    def _choose(self, stamp: int, time: int, place: int) -> Message | None:
        beside = [one for one in self._held if one.time == time]
        if place < len(beside) and beside[place].stamp == stamp:
            return beside[place].message
        same = [one.message for one in self._held if one.stamp == stamp]
        if len(same) > 1:
            raise InputError(
                f'stamps on {self._topic} must differ, got {len(same)} messages with one'
            )
        return same[0] if same else None

    def _stop(self) -> None:
        """Stop reading, and forget everything."""
        if self._messages is not None:
            self._messages.close()
        self._messages = None
        self._held.clear()
