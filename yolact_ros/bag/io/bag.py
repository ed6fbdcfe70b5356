"""Bags of ROS 2 and ROS 1, as far as they can be read."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_ros.bag.io.cameras import find_double, is_depth
from yolact_ros.bag.io.compression import unpack_zstd
from yolact_ros.bag.io.opening import open_storages
from yolact_ros.bag.io.storage import (
    ALWAYS,
    CDR,
    FOREVER,
    NS_PER_S,
    ROS1,
    Entry,
    Loss,
    ReportLoss,
    Storage,
    Topic,
    describe,
)
from yolact_ros.messages.types import IMAGE_TYPES, INSTANCES, ros1_types, ros2_types

__all__ = ['NS_PER_S', 'Bag', 'Entry', 'Loss', 'Message', 'Topic', 'require_rosbags']

IMAGES, DEPTH = 'images', 'depth'  # what a topic is good for
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'  # with which no message of ROS 2 begins

Message = Any  # of rosbags, with the attributes of its type


class Bag:
    """A bag, open for reading: a context manager.

    What is whole is read; what is lost is reported to ``on_loss``.

    Args:
        path: A folder, an ``.mcap`` or ``.db3`` file, or a ``.bag`` file of ROS 1.
        on_loss: Function that is given each loss, perhaps several times; as text it is a sentence.
        is_ros1_welcome: Whether a bag of ROS 1 will do.

    Raises:
        InputError: Nothing of it can be read, or rosbags is not installed.
    """

    def __init__(self, path: Path, on_loss: ReportLoss, *, is_ros1_welcome: bool = True) -> None:
        require_rosbags()
        if not path.exists():
            raise InputError(f'bag must be a folder or file that exists, got {str(path)!r}')
        self.path = path
        self._on_loss = on_loss
        with ExitStack() as stack:
            self._storages = open_storages(
                path, self._lose, stack, is_ros1_welcome=is_ros1_welcome
            )
            self._files = stack.pop_all()
        topics = [topic for one in self._storages for topic in one.topics]
        self.topics = _merge_topics(topics)
        self._types = {topic.name: topic.type for topic in self.topics}
        for topic in topics:
            if topic.count and topic.type != self._types[topic.name]:
                reason = f'{self._types[topic.name]} is not the only type on {topic}'
                self._lose(Loss(reason, topic.count))
        times = [one.times for one in self._storages if one.times is not None]
        self.start = min((start for start, _ in times), default=0)
        self.end = max((end for _, end in times), default=0)

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its files, if that was not done before."""
        self._files.close()

    @property
    def duration(self) -> float:
        """Seconds from the first message to the last."""
        return max(self.end - 1 - self.start, 0) / NS_PER_S

    def entries(
        self, topics: Sequence[str], start: int | None = None, stop: int | None = None
    ) -> Generator[Entry, None, None]:
        """Iterate over the messages of some topics in the order of recording.

        Damaged parts are reported and left out; where a file cannot be read any further, that is
        its end.

        Args:
            topics: Names of the topics.
            start: Time of the first message, ns since 1970.
            stop: Time after the last message, ns since 1970.
        """
        start = ALWAYS if start is None else start
        stop = FOREVER if stop is None else stop
        parts = [self._read(storage, topics, start, stop) for storage in self._storages]
        yield from heapq.merge(*parts, key=lambda entry: entry.time)

    def messages(
        self, topics: Sequence[str], start: int | None = None, stop: int | None = None
    ) -> Generator[tuple[Entry, Message], None, None]:
        """Iterate over entries and their messages; those that are cut off are reported as lost."""
        for entry in self.entries(topics, start, stop):
            try:
                message = self.deserialize(entry)
            except InputError as error:
                self._lose(Loss(str(error), 1, len(entry.data), entry.time, entry.time))
            else:
                yield entry, message

    def deserialize(self, entry: Entry) -> Message:
        """Return a message.

        Raises:
            InputError: It is cut off, or not of ROS.
        """
        try:
            if entry.encoding == ROS1:
                return ros1_types().deserialize_ros1(entry.data, entry.type)
            return ros2_types().deserialize_cdr(entry.data, entry.type)
        except Exception as error:  # whatever bytes may lead to
            raise InputError(
                f'message on {entry.topic} must be a whole {entry.type}, '
                f'got {len(entry.data)} bytes that are none'
            ) from error

    def select_topic(self, name: str, kinds: Sequence[str] = ()) -> Topic:
        """Return a topic of one of some types, or of any.

        Raises:
            InputError: There is no such topic; the error lists those that there are.
        """
        topic = next((topic for topic in self.topics if topic.name == name), None)
        if topic is None:
            raise InputError(
                f'topic must be one of {self.path}: {self.list_topics()}; got {name!r}'
            )
        if kinds and topic.type not in kinds:
            raise InputError(f'{name} must be of type {" or ".join(kinds)}, got {topic.type}')
        return topic

    def select_images(self, names: Sequence[str]) -> list[Topic]:
        """Return topics of images: those that are named, or all of cameras, each camera once.

        Raises:
            InputError: There is no such topic, or there are no images at all.
        """
        if names:
            return [self.select_topic(name, IMAGE_TYPES) for name in dict.fromkeys(names)]
        uses = {topic.name: self.find_use(topic) for topic in self.topics}
        images = [topic for topic in self.topics if uses[topic.name] == IMAGES]
        if not images:
            raise InputError(
                f'bag {self.path} must hold images of a camera, got only: {self.list_topics()}'
            )
        return images

    def find_use(self, topic: Topic) -> str:
        """Return what a topic is good for here: ``IMAGES``, or in words what else; or nothing."""
        if topic.type == INSTANCES:
            return 'truth or results'
        if not topic.is_image or not topic.count:
            return ''
        if double := find_double(topic, {one.name: one for one in self.topics}):
            return double
        with closing(self.entries([topic.name])) as entries:
            for entry in entries:
                with suppress(InputError):
                    return DEPTH if is_depth(self.deserialize(entry), entry) else IMAGES
        return IMAGES

    def list_topics(self) -> str:
        """Return the names and types of all topics, for people."""
        return ', '.join(map(str, self.topics)) or 'no topics'

    def _read(
        self, storage: Storage, topics: Sequence[str], start: int, stop: int
    ) -> Iterator[Entry]:
        """Iterate over the messages of one file, as far as it can be read."""
        try:
            for entry in storage.messages(topics, start, stop, self._lose):
                if entry.type == self._types[entry.topic]:
                    yield _decompress(entry) if entry.data.startswith(ZSTD_MAGIC) else entry
        except InputError:  # of who is told about losses
            raise
        except Exception as error:  # each storage has its own
            self._lose(Loss(f'it cannot be read to its end: {describe(error)}'))

    def _lose(self, loss: Loss) -> None:
        self._on_loss(replace(loss, bag=str(self.path)))


def require_rosbags(purpose: str = 'read bags') -> None:
    """Refuse to go on without the packages that read bags.

    Args:
        purpose: What they are needed for.

    Raises:
        InputError: One of them is not installed.
    """
    for package, module in (('rosbags', 'rosbags.rosbag2'), ('mcap', 'mcap.reader')):
        try:
            import_module(module)
        except ImportError:
            raise InputError(
                f"{package} must be installed to {purpose}: pip install 'yolact[bags]'"
            ) from None


def _decompress(entry: Entry) -> Entry:
    """Return a message as it was before rosbag2 compressed it, or as it is if that fails."""
    import zstandard

    if entry.encoding != CDR:
        return entry
    try:
        return replace(entry, data=unpack_zstd(entry.data))
    except (InputError, zstandard.ZstdError):
        return entry


def _merge_topics(topics: Sequence[Topic]) -> tuple[Topic, ...]:
    """Return all topics by name; several publishers and files add up.

    Where a topic has several types, that of most messages is taken.
    """
    merged: dict[tuple[str, str], Topic] = {}
    for topic in topics:
        key = topic.name, topic.type
        before = merged.get(key, replace(topic, count=0, qos=()))
        merged[key] = replace(topic, count=before.count + topic.count, qos=before.qos + topic.qos)
    by_count = sorted(merged.values(), key=lambda topic: topic.count)
    by_name = {topic.name: topic for topic in by_count}
    return tuple(by_name[name] for name in sorted(by_name))
