"""Images of a bag with what was recorded beside them, each read while the one before is in use."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from yolact_core.errors import InputError, result_or_error
from yolact_core.threads import read_ahead
from yolact_ros.bag.image_selection import ImageSelection
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import Frame, RawFrame, Span, decode, read_raw
from yolact_ros.bag.replay.recorded_depth import RecordedDepth, Surroundings


@dataclass(frozen=True)
class BagImage:
    """An image of a bag that was read.

    Args:
        raw: The image as it was recorded.
        frame: The image, or why it cannot be decoded; None where it is not taken.
        beside: What was recorded beside it.
    """

    raw: RawFrame
    frame: Frame | InputError | None = None
    beside: Surroundings = field(default_factory=Surroundings)


def read_images(
    bag: Bag,
    topics: Sequence[str],
    selection: ImageSelection,
    span: Span,
    depths: Mapping[str, RecordedDepth],
) -> Generator[BagImage, None, None]:
    """Iterate over the images of a span, also those that are not taken.

    Args:
        bag: Bag, open for reading; nothing else may read it meanwhile.
        topics: Topics of images.
        selection: How images are taken.
        span: Stretch of the bag.
        depths: Depth beside the topics of images that need any.
    """

    def read(raw: RawFrame) -> BagImage:
        if raw.index % selection.every:
            return BagImage(raw)
        frame = result_or_error(decode, bag, raw, selection.image_range)
        if isinstance(frame, InputError) or frame.topic not in depths:
            return BagImage(raw, frame)
        return BagImage(raw, frame, depths[frame.topic].find(frame))

    return read_ahead(read(raw) for raw in read_raw(bag, topics, span=span))
