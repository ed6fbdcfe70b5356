"""The images of a bag, one after the other, and which of them are taken."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.io.types import IMAGE
from yolact_ros.images.decoding import compressed_to_rgb, image_to_rgb


@dataclass(frozen=True)
class Span:
    """A stretch of a bag.

    Args:
        start: Time of recording of its first message, ns since 1970; None is the bag's first.
        stop: Time after its last message; None is the bag's end.
        counts: How many images of each topic were recorded between the start of the whole job
            and that of this span.
        skip: How many of its images, at its very start, are left out; they are in ``counts``.
    """

    start: int | None = None
    stop: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    skip: int = 0


@dataclass(frozen=True)
class RawFrame:
    """An image that is not decoded yet.

    Args:
        entry: Its message.
        index: Its number among the images of its topic, from 0, those not taken included.
    """

    entry: Entry
    index: int


@dataclass(frozen=True)
class Frame:
    """An image.

    Args:
        topic: Where it was published.
        index: Its number among the images of its topic, from 0.
        time: When it was recorded, ns since 1970.
        header: Of its message.
        rgb: Shape (H, W, 3); must not be written to.
        seconds: That reading the message took.
    """

    topic: str
    index: int
    time: int
    header: Message
    rgb: npt.NDArray[np.uint8]
    seconds: float

    @property
    def stamp(self) -> int:
        """Stamp of the header, ns."""
        return stamp_of(self.header)


def stamp_of(header: Message) -> int:
    """Return the stamp of a header in ns."""
    return int(header.stamp.sec) * NS_PER_S + int(header.stamp.nanosec)


def read_raw(
    bag: Bag, topics: Sequence[str], every: int = 1, span: Span | None = None
) -> Iterator[RawFrame]:
    """Iterate over the images of a span.

    Args:
        bag: Open.
        topics: Of images.
        every: Take the first and then every so-many-th of each topic.
        span: Which stretch; default: all.
    """
    span = span or Span()
    counts = Counter(span.counts)
    for entry in islice(bag.entries(topics, span.start, span.stop), span.skip, None):
        index = counts[entry.topic]
        counts[entry.topic] += 1
        if index % every == 0:
            yield RawFrame(entry, index)


def decode(bag: Bag, raw: RawFrame) -> Frame:
    """Decode an image as the node does.

    Raises:
        InputError: It cannot be decoded.
    """
    began = time.perf_counter()
    message = bag.deserialize(raw.entry)
    rgb = image_to_rgb(message) if raw.entry.type == IMAGE else compressed_to_rgb(message)
    return Frame(
        topic=raw.entry.topic,
        index=raw.index,
        time=raw.entry.time,
        header=message.header,
        rgb=rgb,
        seconds=time.perf_counter() - began,
    )


def plan_spans(bag: Bag, topics: Sequence[str], whole: Span, parts: int) -> list[Span]:
    """Split a stretch into spans of about as many images each.

    Whatever is done with each span, also in other processes, gives together exactly what the
    whole gives: a span knows how many images came before it.

    Args:
        bag: Open; it is read once from start to end.
        topics: Of images.
        whole: Its counts are those of its start.
        parts: At most so many spans.
    """
    images = [(entry.time, entry.topic) for entry in bag.entries(topics, whole.start, whole.stop)]
    wanted = {images[len(images) * part // parts][0] for part in range(1, parts) if images}
    borders = sorted(time for time in wanted if time > images[0][0])
    counts = Counter(whole.counts)
    spans, start, before = [], whole.start, dict(counts)
    for moment, topic in images:
        if borders and moment >= borders[0]:
            stop = borders.pop(0)
            spans.append(Span(start, stop, before))
            start, before = stop, dict(counts)
        counts[topic] += 1
    return [*spans, Span(start, whole.stop, before)]
