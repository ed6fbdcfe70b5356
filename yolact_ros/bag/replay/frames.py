"""Read the images of a bag one after the other, all of them or those of a span."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError, result_or_error
from yolact_core.media.ranges import BY_ENCODING, ImageRange
from yolact_core.threads import read_ahead
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.io.bag import NS_PER_S, Bag, Entry, Message
from yolact_ros.bag.io.storage import ALWAYS
from yolact_ros.images.decoding import compressed_to_rgb, image_to_rgb
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import IMAGE


@dataclass(frozen=True)
class Span:
    """A stretch of a bag.

    Args:
        start: Time of recording of its first message, ns since 1970; None is the bag's first.
        stop: Time after its last message; None is the bag's end.
        counts: Number of images of each topic between the start of the whole job and that of this
            span.
        skip: Number of images at its very start that are left out; they are in ``counts``.
    """

    start: int | None = None
    stop: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    skip: int = 0


@dataclass(frozen=True)
class RawFrame:
    """An image that is not decoded yet.

    Args:
        entry: Serialized message of the image.
        index: Number of the image among all images of its topic, from 0.
        place: Number of the image among those of its topic that were recorded at that very time.
    """

    entry: Entry
    index: int
    place: int = 0


@dataclass(frozen=True)
class Frame:
    """An image.

    Args:
        topic: Topic that it was published on.
        index: Number of the image among all images of its topic, from 0.
        time: Time of recording, ns since 1970.
        header: Header of its message.
        rgb: Pixels, shape (H, W, 3); must not be written to.
        seconds: Seconds that it took to decode the message.
        place: Number of the image among those of its topic that were recorded at that very time.
    """

    topic: str
    index: int
    time: int
    header: Message
    rgb: npt.NDArray[np.uint8]
    seconds: float
    place: int = 0

    @property
    def stamp(self) -> int:
        """Stamp of the header, ns."""
        return stamp_of(self.header)

    @property
    def moment(self) -> float:
        """Seconds since 1970: its stamp, or without one its time of recording."""
        return (self.stamp or self.time) / NS_PER_S


@dataclass(frozen=True)
class ChosenImages:
    """Images of a bag that were asked for.

    Args:
        topics: Topics of images.
        whole: Stretch of the bag.
        count: Estimated number of images.
    """

    topics: tuple[str, ...]
    whole: Span
    count: int


def choose_images(bag: Bag, selection: ImageSelection) -> ChosenImages:
    """Return where in a bag the images are that were asked for.

    Raises:
        InputError: A topic is missing or has no images.
    """
    topics = bag.select_images(selection.topic)
    start, stop = (
        None if seconds is None else bag.start + round(seconds * NS_PER_S)
        for seconds in (selection.start, selection.end)
    )
    length = min(stop or bag.end, bag.end) - max(start or bag.start, bag.start)
    share = max(length, 0) / max(bag.end - bag.start, 1)
    count = sum(topic.count for topic in topics)
    return ChosenImages(
        topics=tuple(topic.name for topic in topics),
        whole=Span(start, stop),
        count=round(count * share / selection.every),
    )


def read_raw(
    bag: Bag, topics: Sequence[str], every: int = 1, span: Span | None = None
) -> Iterator[RawFrame]:
    """Iterate over the images of a span.

    Args:
        bag: Bag, open for reading.
        topics: Topics of images.
        every: Take the first and then every so-many-th image of each topic.
        span: Stretch of the bag; None is all of it.
    """
    span = span or Span()
    counts = Counter(span.counts)
    before = dict.fromkeys(topics, (ALWAYS, 0))  # time of the last image, and its place
    for entry in islice(bag.entries(topics, span.start, span.stop), span.skip, None):
        index = counts[entry.topic]
        counts[entry.topic] += 1
        last, place = before[entry.topic]
        place = place + 1 if entry.time == last else 0
        before[entry.topic] = entry.time, place
        if index % every == 0:
            yield RawFrame(entry, index, place)


def decode(bag: Bag, raw: RawFrame, image_range: ImageRange = BY_ENCODING) -> Frame:
    """Decode an image as the node does.

    Args:
        bag: Bag of the image.
        raw: Image to decode.
        image_range: Range of 16-bit values that becomes that of bytes.

    Raises:
        InputError: It cannot be decoded.
    """
    began = time.perf_counter()
    message = bag.deserialize(raw.entry)
    to_rgb = image_to_rgb if raw.entry.type == IMAGE else compressed_to_rgb
    return Frame(
        topic=raw.entry.topic,
        index=raw.index,
        time=raw.entry.time,
        header=message.header,
        rgb=to_rgb(message, image_range),
        seconds=time.perf_counter() - began,
        place=raw.place,
    )


def read_frames(
    bag: Bag, topics: Sequence[str], selection: ImageSelection, span: Span | None = None
) -> Generator[tuple[RawFrame, Frame | InputError], None, None]:
    """Iterate over the images of a span, each decoded while the one before is in use.

    Args:
        bag: Bag, open for reading.
        topics: Topics of images.
        selection: How images are taken.
        span: Stretch of the bag; None is all of it.

    Yields:
        An image, and its pixels or why it cannot be decoded.
    """
    return read_ahead(
        (raw, result_or_error(decode, bag, raw, selection.image_range))
        for raw in read_raw(bag, topics, selection.every, span)
    )


def split_span(bag: Bag, chosen: ChosenImages, part_images: int | None) -> tuple[Span, ...]:
    """Split a stretch, in a way that depends on nothing but the bag and the size of parts.

    Args:
        bag: Bag, which is read once from start to end if there is something to split.
        chosen: Images of the stretch.
        part_images: Approximate number of images in a part; None leaves it whole.
    """
    if part_images is None:
        return (chosen.whole,)
    parts = math.ceil(chosen.count / part_images)
    return tuple(plan_spans(bag, chosen.topics, chosen.whole, parts))


def plan_spans(bag: Bag, topics: Sequence[str], whole: Span, parts: int) -> list[Span]:
    """Split a stretch into spans of about as many images each.

    Results of the spans, also from other processes, are together exactly those of the whole, as
    a span knows how many images came before it.

    Args:
        bag: Bag, which is read once from start to end.
        topics: Topics of images.
        whole: Stretch to split, with the counts at its start.
        parts: Greatest number of spans.
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
