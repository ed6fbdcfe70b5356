"""What is in a bag."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import IMAGES, NS_PER_S, Bag, Entry, Topic
from yolact_ros.bag.io.storage import Loss, ReportLoss, lose_images
from yolact_ros.bag.replay.frames import RawFrame, decode
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.messages.types import COMPRESSED_IMAGE, IMAGE, IMAGE_TYPES, INSTANCES

if TYPE_CHECKING:
    from yolact_ros.bag.io.bag import Message

CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
Kind = tuple[Any, ...]  # what tells of an image whether it can be decoded
WITH_HEADER = (*IMAGE_TYPES, INSTANCES, CAMERA_INFO)


@dataclass(frozen=True)
class TopicSurvey:
    """What is in one topic.

    Args:
        topic: Name of the topic.
        type: Type of its messages.
        messages: Number of its messages.
        seconds: Seconds from the first message to the last.
        rate: Messages per second; None for a single one.
        longest_gap: Longest time between two messages, seconds; None for a single one.
        stamps_backwards: How often a stamp is older than the one before; None without stamps.
        without_stamp: How many stamps are zero; None without stamps.
        stamps_equal: How many stamps are the same as the one before; None without stamps.
        unreadable: How many messages are cut off, or are images that cannot be decoded.
        encodings: Number of images by encoding.
        sizes: Number of images by size, as WIDTHxHEIGHT.
        use: What the topic is good for here; empty for nothing.
    """

    topic: str
    type: str
    messages: int
    seconds: float
    rate: float | None
    longest_gap: float | None
    stamps_backwards: int | None
    without_stamp: int | None
    stamps_equal: int | None
    unreadable: int
    encodings: dict[str, int]
    sizes: dict[str, int]
    use: str


@dataclass
class _Tally:
    """What was seen of one topic so far."""

    times: list[int] = field(default_factory=list)  # first, last
    count: int = 0
    gap: int = 0
    backwards: int = 0
    stampless: int = 0
    equal: int = 0
    unreadable: list[int] = field(default_factory=list)  # times
    undecodable: list[int] = field(default_factory=list)  # times
    stamp: int = 0
    reasons: dict[Kind, str] = field(default_factory=dict)  # why a kind is not decoded, or nothing
    encodings: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)


def survey(bag: Bag, on_loss: ReportLoss) -> list[TopicSurvey]:
    """Read a bag from start to end and say what is in it; of each kind of image one is decoded.

    Args:
        bag: Bag, open for reading.
        on_loss: Function that is given the messages of each topic that are of no use.
    """
    uses = {topic.name: bag.find_use(topic) for topic in bag.topics}
    tallies = {topic.name: _Tally() for topic in bag.topics}
    for entry in bag.entries(list(tallies)):
        message = _count(bag, entry, tallies[entry.topic])
        if message is not None and uses[entry.topic] == IMAGES:
            _try_to_decode(bag, entry, message, tallies[entry.topic])
    for name, tally in tallies.items():
        if times := tally.unreadable:
            reason = f'messages on {name} are cut off'
            on_loss(Loss(reason, len(times), None, times[0], times[-1], str(bag.path)))
        if times := tally.undecodable:
            reasons = filter(None, tally.reasons.values())
            for loss in lose_images(bag.path, len(times), reasons, times[0], times[-1]):
                on_loss(loss)
    return [_sum_up(topic, tallies[topic.name], uses[topic.name]) for topic in bag.topics]


def _count(bag: Bag, entry: Entry, tally: _Tally) -> Message | None:
    """Count a message, and return it if it has a header and is whole."""
    tally.count += 1
    if tally.times:
        tally.gap = max(tally.gap, entry.time - tally.times[1])
        tally.times[1] = entry.time
    else:
        tally.times = [entry.time, entry.time]
    if entry.type not in WITH_HEADER:
        return None
    try:
        message = bag.deserialize(entry)
    except InputError:
        tally.unreadable.append(entry.time)
        return None
    stamp = stamp_of(message.header)
    tally.backwards += 0 < stamp < tally.stamp
    tally.stampless += stamp == 0
    tally.equal += 0 < stamp == tally.stamp
    tally.stamp = stamp
    _describe(message, entry.type, tally)
    return message


def _try_to_decode(bag: Bag, entry: Entry, message: Message, tally: _Tally) -> None:
    """Note whether an image can be decoded, as the first of its kind could."""
    size = len(message.data)
    kind: Kind
    if entry.type == IMAGE:
        kind = (message.encoding, message.height, message.width, message.step, size)
    else:
        kind = (message.format, size > 0)
    if kind not in tally.reasons:
        try:
            rgb = decode(bag, RawFrame(entry, 0)).rgb
        except InputError as error:
            tally.reasons[kind] = str(error)
        else:
            tally.reasons[kind] = ''
            if entry.type == COMPRESSED_IMAGE:
                tally.sizes[f'{rgb.shape[1]}x{rgb.shape[0]}'] += 1
    if tally.reasons[kind]:
        tally.undecodable.append(entry.time)


def _describe(message: Message, kind: str, tally: _Tally) -> None:
    if kind == IMAGE:
        tally.encodings[message.encoding] += 1
        tally.sizes[f'{message.width}x{message.height}'] += 1
    elif kind == COMPRESSED_IMAGE:
        tally.encodings[message.format] += 1
    elif kind == INSTANCES:
        tally.sizes[f'{message.image_width}x{message.image_height}'] += 1


def _sum_up(topic: Topic, tally: _Tally, use: str) -> TopicSurvey:
    seconds = (tally.times[1] - tally.times[0]) / NS_PER_S if tally.times else 0.0
    has_header = topic.type in WITH_HEADER
    return TopicSurvey(
        topic=topic.name,
        type=topic.type,
        messages=tally.count,
        seconds=seconds,
        rate=(tally.count - 1) / seconds if seconds else None,
        longest_gap=tally.gap / NS_PER_S if tally.count > 1 else None,
        stamps_backwards=tally.backwards if has_header else None,
        without_stamp=tally.stampless if has_header else None,
        stamps_equal=tally.equal if has_header else None,
        unreadable=len(tally.unreadable) + len(tally.undecodable),
        encodings=dict(tally.encodings.most_common()),
        sizes=dict(tally.sizes.most_common()),
        use=_describe_use(tally, use),
    )


def _describe_use(tally: _Tally, use: str) -> str:
    """Return what a topic is good for, which is nothing where all its images are of no use."""
    if use != IMAGES or len(tally.unreadable) + len(tally.undecodable) < tally.count:
        return use
    return f'none: {next(iter(tally.reasons.values()), "all are cut off")}'
