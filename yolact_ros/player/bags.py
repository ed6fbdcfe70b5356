"""Bags of ROS 2 as a recording, read without rosbag2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from yolact_core.errors import InputError
from yolact_ros.player.recording import NS_PER_S, Entry, Topic

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader

BAG_SUFFIXES = frozenset(('.bag', '.db3', '.mcap'))  # the first, of ROS 1, is refused in words
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
CAMERA_INFO_TYPE = 'sensor_msgs/msg/CameraInfo'


def is_bag(path: Path) -> bool:
    """Return whether a path looks like a bag: a file of one, or a folder that has one."""
    if path.is_dir():
        return any(child.suffix in BAG_SUFFIXES for child in path.iterdir())
    return path.suffix in BAG_SUFFIXES


class BagRecording:
    """The messages of a bag.

    Args:
        path: Folder of the bag, or its only file.
        topics: Names of topics. Default: all images, and the camera infos that belong to them.
        rate: Images per second. The topic with most images sets the beat, the messages between
            two of its images come with the second. Default: as recorded.
        warn: Is told about a message that cannot be read; the others go on.

    Raises:
        InputError: It is no bag, or lacks the topics.
    """

    def __init__(
        self,
        path: Path,
        topics: Sequence[str],
        rate: float | None,
        warn: Callable[[str], None],
    ) -> None:
        self._path = path
        self._rate = rate
        self._warn = warn
        self._reader = _open(path)
        try:
            self._connections = _select(self._reader.connections, topics, path)
            self._types = {
                connection.topic: _find_type(connection) for connection in self._connections
            }
        except InputError:
            self.close()
            raise
        self.topics = tuple(
            Topic(connection.topic, self._types[connection.topic], _is_latched(connection))
            for connection in self._connections
        )
        self._beat = max(
            (entry for entry in self._connections if _is_image(entry)),
            key=lambda entry: entry.msgcount,
            default=self._connections[0],
        ).topic
        self.length = 0

    def entries(self) -> Iterator[Entry]:
        """Iterate over all messages.

        Raises:
            InputError: There is not one that can be read.
        """
        first: int | None = None
        beats = position = 0
        for connection, time, data in self._messages():
            message = self._decode(connection, data)
            if message is None:
                continue
            first = time if first is None else first
            # Never back, though a recorder may write messages in another order.
            position = max(position, self._place(time - first, beats))
            beats += connection.topic == self._beat
            yield Entry(connection.topic, position, time, message)
        if first is None:
            raise InputError(f'bag {self._path} must hold at least one message that can be read')
        self.length = self._next_round(position, beats)

    def close(self) -> None:
        """Close the bag."""
        self._reader.close()

    def _place(self, since_first: int, beats: int) -> int:
        return since_first if self._rate is None else round(beats * NS_PER_S / self._rate)

    def _next_round(self, position: int, beats: int) -> int:
        if self._rate is not None:
            return round(max(beats, 1) * NS_PER_S / self._rate)
        return position + (round(position / (beats - 1)) if beats > 1 else NS_PER_S)

    def _messages(self) -> Iterator[tuple[Connection, int, bytes]]:
        try:
            yield from self._reader.messages(self._connections)
        except GeneratorExit:
            raise
        except Exception as error:  # each storage has its own
            self._warn(f'bag {self._path} must be whole, but its end cannot be read: {error}')

    def _decode(self, connection: Connection, data: bytes) -> Any:  # noqa: ANN401 - any type
        try:
            return deserialize_message(bytes(data), self._types[connection.topic])
        except Exception as error:  # the middleware's own, which has no name
            self._warn(
                f'message on {connection.topic} must be a whole {connection.msgtype}: {error}'
            )
            return None


def _open(path: Path) -> Reader:
    """Open a bag.

    Raises:
        InputError: It cannot be read, or nothing here can read it.
    """
    try:
        from rosbags.rosbag2 import Reader
    except ImportError:
        raise InputError(
            "rosbags must be installed to play a bag: pip install 'yolact[bags]' or 'rosbags'"
        ) from None
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:  # sqlite3, mcap and YAML each have their own
        raise InputError(f'{path} must be a bag of ROS 2 that can be read: {error}') from error
    return reader


def _select(
    connections: Sequence[Connection], names: Sequence[str], path: Path
) -> list[Connection]:
    """Return the connections of some topics, or all images and their camera infos.

    Raises:
        InputError: A topic is missing, or there are no images.
    """
    known = {connection.topic for connection in connections}
    listed = ', '.join(sorted(f'{entry.topic} ({entry.msgtype})' for entry in connections))
    for name in names:
        if name not in known:
            raise InputError(f'topic must be one of {path}: {listed or "none"}; got {name!r}')
    if names:
        return [connection for connection in connections if connection.topic in names]
    images = [connection for connection in connections if _is_image(connection)]
    if not images:
        raise InputError(
            f'bag {path} must hold a topic of images, got only: {listed or "no topics"}'
        )
    infos = {Topic(connection.topic, Image).info_name for connection in images}
    return images + [
        connection
        for connection in connections
        if connection.msgtype == CAMERA_INFO_TYPE and connection.topic in infos
    ]


def _is_image(connection: Connection) -> bool:
    return connection.msgtype in IMAGE_TYPES


def _is_latched(connection: Connection) -> bool:
    """Return whether one of the recorded publishers kept messages for late subscribers."""
    return any(
        profile.durability.name == 'TRANSIENT_LOCAL'
        for profile in getattr(connection.ext, 'offered_qos_profiles', ())
    )


def _find_type(connection: Connection) -> type[Any]:
    """Return the class of the messages of a topic.

    Raises:
        InputError: It is not installed.
    """
    package, _, name = connection.msgtype.partition('/msg/')
    try:
        found: type[Any] = getattr(import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError):
        raise InputError(
            f'type of {connection.topic} must be installed to be played, '
            f'got {connection.msgtype!r}'
        ) from None
    return found
