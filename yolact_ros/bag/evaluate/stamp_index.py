"""Messages that belong to images: a topic that is read along, looked up by stamp."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.replay.frames import stamp_of

WINDOW = 10 * NS_PER_S  # ns that a message may have been recorded before or after its image


class Companion:
    """The messages of a topic, of which only those around the present image are held.

    Where a stamp occurs twice, the first message counts. Messages without a stamp belong to images
    without one that were recorded at the same time.

    Args:
        bag: Open; it is closed with this.
        topic: Of messages with headers.
    """

    def __init__(self, bag: Bag, topic: str) -> None:
        self._bag = bag
        self._topic = topic
        self._entries: Generator[Entry, None, None] | None = None
        self._held: dict[int, tuple[int, Message]] = {}  # by stamp, with times of recording
        self._read_until = self._asked = 0

    def close(self) -> None:
        """Close the bag."""
        self._stop()
        self._bag.close()

    def find(self, stamp: int, time: int) -> Message | None:
        """Return the message with a stamp, or None.

        Args:
            stamp: Of the image, ns; 0 if it has none.
            time: When the image was recorded, ns; from call to call it should grow.
        """
        if self._entries is None or time < self._asked - WINDOW:
            self._stop()
            self._entries = self._bag.entries([self._topic], max(time - WINDOW, 0))
        self._asked = time
        stamp = stamp or time
        while stamp not in self._held and self._read_until <= time + WINDOW:
            entry = next(self._entries, None)
            if entry is None:
                break
            self._read_until = entry.time
            self._hold(entry)
        self._forget(time - WINDOW)
        found = self._held.get(stamp)
        return found[1] if found else None

    def _hold(self, entry: Entry) -> None:
        """Keep a message; one that is cut off is as good as none."""
        with suppress(InputError):
            message = self._bag.deserialize(entry)
            self._held.setdefault(stamp_of(message.header) or entry.time, (entry.time, message))

    def _forget(self, before: int) -> None:
        """Drop what is too old for any image to come."""
        for stamp, (time, _) in list(self._held.items()):
            if time >= before:
                return
            del self._held[stamp]

    def _stop(self) -> None:
        """Stop reading, and forget everything."""
        if self._entries is not None:
            self._entries.close()
        self._entries, self._held, self._read_until = None, {}, 0
