"""Videos and image files as a recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from yolact_core.errors import InputError
from yolact_core.media.image_files import read_image
from yolact_core.media.sources import ImageFile, Video, find_sources
from yolact_core.media.videos import VideoReader
from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.messages.builder import ros_messages
from yolact_ros.player.recording import RecordedMessage, RecordedTopic
from yolact_ros.player.timing import to_stamp

IMAGE = 'image'
IMAGES_PER_SECOND = 10.0  # of a folder, where no rate was chosen


class PictureRecording:
    """Videos at their own rate, and image files at a steady one, one after the other.

    Args:
        arguments: Files, folders and patterns.
        rate: Images per second. Default: that of the video, and 10 for image files.
        warn: Function that is given one sentence about a file that cannot be read;
            the others are played.

    Raises:
        InputError: One of them names nothing.
    """

    def __init__(
        self, arguments: Sequence[str], rate: float | None, warn: Callable[[str], None]
    ) -> None:
        self.topics = (RecordedTopic(IMAGE, Image),)
        self.length = 0
        self._sources = find_sources(arguments)
        self._rate = rate
        self._warn = warn
        self._began = time.time_ns()

    def entries(self) -> Iterator[RecordedMessage]:
        """Iterate over all images.

        Raises:
            InputError: There is not one that can be read.
        """
        self.length = 0
        for source in self._sources:
            try:
                yield from self._play(source)
            except InputError as error:
                self._warn(str(error))
        if self.length == 0:
            raise InputError('source must hold at least one image that can be read')

    def close(self) -> None:
        """Do nothing: each file is closed when its last image was read."""

    def _play(self, source: ImageFile | Video) -> Iterator[RecordedMessage]:
        if isinstance(source, ImageFile):
            yield self._entry(read_image(source.path), self.length)
            self.length += round(NS_PER_S / (self._rate or IMAGES_PER_SECOND))
            return
        reader = VideoReader(source.device)
        begin, rate = self.length, self._rate or reader.fps
        try:
            for index, rgb in reader.images():
                seconds = index / rate if self._rate else reader.seconds
                self.length = begin + round((seconds + 1 / rate) * NS_PER_S)
                yield self._entry(rgb, begin + round(seconds * NS_PER_S))
            reader.require_whole()
        finally:
            reader.close()

    def _entry(self, rgb: npt.NDArray[np.uint8], position: int) -> RecordedMessage:
        message = ros_messages.to_image(rgb, 'rgb8', Header())
        message.header.stamp = to_stamp(self._began + position)
        return RecordedMessage(IMAGE, position, self._began + position, message)
