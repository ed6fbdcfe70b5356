"""Camera infos: from a calibration file, from a field of view, or of an uncalibrated camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from yolact_core.errors import InputError
from yolact_core.records import read_yaml
from yolact_ros.player.options import MessageOptions

DEFAULT_FRAME_ID = 'camera'
MATRICES = {
    'camera_matrix': 9,
    'rectification_matrix': 9,
    'projection_matrix': 12,
}
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Calibration:
    """The lens of a camera.

    Args:
        size: Height and width of its images, pixels.
        distortion_model: Name of the model, such as ``plumb_bob``; empty if unknown.
        d, k, r, p: As in CameraInfo; zeros in ``k`` mean that nothing is known.
    """

    size: tuple[int, int]
    distortion_model: str = ''
    d: tuple[float, ...] = ()
    k: tuple[float, ...] = (0.0,) * 9
    r: tuple[float, ...] = (0.0,) * 9
    p: tuple[float, ...] = (0.0,) * 12

    def to_message(self, header: Header) -> CameraInfo:
        """Return the camera info of one image, given the header of the image."""
        height, width = self.size
        return CameraInfo(
            header=header,
            height=height,
            width=width,
            distortion_model=self.distortion_model,
            d=list(self.d),
            k=list(self.k),
            r=list(self.r),
            p=list(self.p),
        )


def calibrate(size: tuple[int, int], field_of_view: float | None) -> Calibration:
    """Make up a camera without distortion that looks at the centre of its image.

    Args:
        size: Height and width of the image, pixels.
        field_of_view: Angle from the left edge to the right one, degrees; None for an
            uncalibrated camera.
    """
    if field_of_view is None:
        return Calibration(size)
    height, width = size
    focal = width / (2 * math.tan(math.radians(field_of_view) / 2))
    x, y = (width - 1) / 2, (height - 1) / 2
    return Calibration(
        size,
        'plumb_bob',
        (0.0,) * 5,
        (focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0),
        IDENTITY,
        (focal, 0.0, x, 0.0, 0.0, focal, y, 0.0, 0.0, 0.0, 1.0, 0.0),
    )


@dataclass(frozen=True)
class Camera:
    """What the player itself says about the camera.

    Args:
        frame_id: Frame of images and camera infos; None for that of the recording.
        makes_infos: Whether camera infos are made, instead of those of the recording.
        calibration: Calibration of the camera; None to make one up from ``field_of_view``.
        field_of_view: Horizontal field of view, degrees; None for an uncalibrated camera.
    """

    frame_id: str | None
    makes_infos: bool
    calibration: Calibration | None
    field_of_view: float | None

    def calibrate(self, size: tuple[int, int]) -> Calibration:
        """Return the calibration for images of a size.

        Args:
            size: Height and width of the image, pixels.

        Raises:
            InputError: The camera has images of another size.
        """
        if self.calibration is None:
            return calibrate(size, self.field_of_view)
        if self.calibration.size != size:
            height, width = self.calibration.size
            raise InputError(
                f'images must have the size of the camera info, '
                f'{width}x{height}, got {size[1]}x{size[0]}'
            )
        return self.calibration


def choose_camera(options: MessageOptions, *, is_new: bool) -> Camera:
    """Return what options say about a camera.

    Args:
        options: Options of the messages.
        is_new: Whether the source is no bag, so that nothing of a camera was recorded.

    Raises:
        InputError: The calibration cannot be read.
    """
    path = options.camera_info
    return Camera(
        frame_id=options.frame_id or (DEFAULT_FRAME_ID if is_new else None),
        makes_infos=is_new or path is not None or options.fov is not None,
        calibration=None if path is None else read_calibration(path),
        field_of_view=options.fov,
    )


def read_calibration(path: Path) -> Calibration:
    """Read a file as camera_calibration and camera_info_manager write it.

    Raises:
        InputError: It cannot be read, or lacks something.
    """
    values = read_yaml(path)
    try:
        matrices = {name: _numbers(values[name]['data']) for name in MATRICES}
        calibration = Calibration(
            size=(int(values['image_height']), int(values['image_width'])),
            distortion_model=str(values['distortion_model']),
            d=_numbers(values['distortion_coefficients']['data']),
            k=matrices['camera_matrix'],
            r=matrices['rectification_matrix'],
            p=matrices['projection_matrix'],
        )
    except KeyError as error:
        raise InputError(f'camera info {path} must have the key {error}') from error
    except (TypeError, ValueError) as error:
        raise InputError(f'camera info {path} must hold numbers: {error}') from error
    for name, length in MATRICES.items():
        if len(matrices[name]) != length:
            raise InputError(
                f'{name} of camera info {path} must have {length} numbers, '
                f'got {len(matrices[name])}'
            )
    return calibration


def _numbers(values: list[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
