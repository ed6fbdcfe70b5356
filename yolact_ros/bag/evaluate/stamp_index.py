"""Look up the message that belongs to an image by its stamp, while both are read in order."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.replay.frames import stamp_of

WINDOW = 10 * NS_PER_S  # ns that a message may have been recorded before or after its image


class StampIndex:
    """Messages of a topic by stamp; only those around the current image are kept in memory.

    Where a stamp occurs twice, the first message counts. A message without a stamp belongs to the
    image without a stamp that was recorded at the same time.

    Args:
        bag: Open bag, which ``close`` closes.
        topic: Topic of messages that have a header.
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
            stamp: Stamp of the image, ns; 0 if it has none.
            time: Time when the image was recorded, ns; fastest if it grows from call to call.
        """
        if self._entries is None or abs(time - self._asked) > WINDOW:
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
        """Keep a message; one that is cut off counts as missing."""
        with suppress(InputError):
            message = self._bag.deserialize(entry)
            self._held.setdefault(stamp_of(message.header) or entry.time, (entry.time, message))

    def _forget(self, before: int) -> None:
        """Drop messages that are too old for the images to come."""
        for stamp, (time, _) in list(self._held.items()):
            if time >= before:
                return
            del self._held[stamp]

    def _stop(self) -> None:
        """Stop reading, and forget everything."""
        if self._entries is not None:
            self._entries.close()
        self._entries, self._held, self._read_until = None, {}, 0
