"""In which form the messages of a recorded topic are published."""

from __future__ import annotations

from typing import Any, Protocol

from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage, Image

from yolact_core.errors import InputError
from yolact_ros.images.decoding import compressed_to_rgb, image_to_rgb
from yolact_ros.messages.messages import ros_messages
from yolact_ros.player.calibration import Calibration, calibrate
from yolact_ros.player.settings import Settings


class Output(Protocol):
    """Publishers of one recorded topic."""

    @property
    def publisher(self) -> Publisher[Any]:
        """The one that counts."""

    def prepare(self, message: Any) -> list[tuple[Publisher[Any], Any]]:  # noqa: ANN401
        """Return what shall be published where; all have the header of the first."""


class PlainOutput:
    """Publishes messages as they are.

    Args:
        publisher: Of these messages.
        frame_id: Of their headers, or None to leave it.
    """

    def __init__(self, publisher: Publisher[Any], frame_id: str | None = None) -> None:
        self.publisher = publisher
        self._frame_id = frame_id

    def prepare(self, message: Any) -> list[tuple[Publisher[Any], Any]]:  # noqa: ANN401
        """Return the message."""
        if self._frame_id is not None:
            message.header.frame_id = self._frame_id
        return [(self.publisher, message)]


class ImageOutput:
    """Publishes images, and the camera infos that are made for them.

    Args:
        publisher: Of images.
        info: Of camera infos, or None if none are made.
        settings: How to publish them.
    """

    def __init__(
        self, publisher: Publisher[Any], info: Publisher[Any] | None, settings: Settings
    ) -> None:
        self.publisher = publisher
        self._info = info
        self._settings = settings

    def prepare(self, message: Image | CompressedImage) -> list[tuple[Publisher[Any], Any]]:
        """Return the image in the form that was asked for, and its camera info.

        Raises:
            InputError: The image cannot be converted, or is not of the calibrated camera.
        """
        if self._settings.frame_id is not None:
            message.header.frame_id = self._settings.frame_id
        prepared: list[tuple[Publisher[Any], Any]] = [(self.publisher, self._convert(message))]
        if self._info is not None:
            calibration = self._calibrate(_size_of(message))
            prepared.append((self._info, calibration.to_message(message.header)))
        return prepared

    def _convert(self, message: Image | CompressedImage) -> Image | CompressedImage:
        if self._settings.transport == 'compressed' and isinstance(message, Image):
            rgb = image_to_rgb(message)
            return ros_messages.to_jpeg(rgb, message.header, self._settings.jpeg_quality)
        if self._settings.transport == 'raw' and isinstance(message, CompressedImage):
            return ros_messages.to_image(compressed_to_rgb(message), 'rgb8', message.header)
        return message

    def _calibrate(self, size: tuple[int, int]) -> Calibration:
        calibration = self._settings.calibration
        if calibration is None:
            return calibrate(size, self._settings.field_of_view)
        if calibration.size != size:
            raise InputError(
                f'images must have the size of the camera info, '
                f'{calibration.size[1]}x{calibration.size[0]}, got {size[1]}x{size[0]}'
            )
        return calibration


def _size_of(message: Image | CompressedImage) -> tuple[int, int]:
    if isinstance(message, Image):
        return message.height, message.width
    height, width, _ = compressed_to_rgb(message).shape
    return height, width
