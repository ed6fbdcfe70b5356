"""The depth behind a picture, in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.lifting.calibration import Calibration
from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.lifting import lift
from yolact_core.lifting.objects import Objects
from yolact_core.lifting.rays import Rays
from yolact_core.media.image_files import read_header, read_values
from yolact_core.media.image_headers import UPRIGHT

METRES_PER_UNIT = {np.dtype(np.uint16): 0.001, np.dtype(np.float32): 1.0}  # REP 118


@dataclass(frozen=True, eq=False)
class Scene:
    """What a picture was taken of, as far as it was measured.

    Args:
        depth: Depth of each pixel.
        rays: Rays of the pixels.
    """

    depth: DepthImage
    rays: Rays

    @classmethod
    def read(cls, picture: Path, depth: Path, camera: Path, *, is_rectified: bool) -> Scene:
        """Read what belongs to a picture.

        Args:
            picture: Picture that the depth is registered to.
            depth: File as ``read_depth`` takes it.
            camera: Calibration as ``Calibration.read`` takes it.
            is_rectified: Whether the lens's distortion is taken out of picture and depth already.

        Raises:
            InputError: A file cannot be read, or they do not fit each other.
        """
        header = read_header(picture)
        if header.orientation != UPRIGHT:
            raise InputError(
                f'{picture} must be stored upright, as the depth behind it is, '
                f'got EXIF orientation {header.orientation}'
            )
        measured, calibration = read_depth(depth), Calibration.read(camera)
        for path, size in ((depth, measured.size), (camera, calibration.size)):
            if size != header.size:
                raise InputError(
                    f'{path} must have the size of {picture}, {_show(header.size)}, '
                    f'got {_show(size)}'
                )
        return cls(measured, calibration.rays(is_rectified=is_rectified))

    def lift(self, detections: Detections) -> Objects:
        """Return the objects of the picture whose depth is known."""
        return lift(detections, self.depth, self.rays)


def read_depth(path: Path) -> DepthImage:
    """Read a depth image, whose type tells its unit, as in messages of ROS.

    Args:
        path: PNG or TIFF of 16 bits, in millimetres, or TIFF of 32-bit floats, in metres.

    Raises:
        InputError: It cannot be read, or is no depth image.
    """
    values = read_values(path)
    if values.ndim != 2 or values.dtype not in METRES_PER_UNIT:
        channels = values.shape[2] if values.ndim == 3 else 1
        raise InputError(
            f'{path} must be depth of one channel, uint16 in millimetres or float32 in metres, '
            f'got {values.dtype} of {channels} channel{"s" if channels > 1 else ""}'
        )
    return DepthImage(values, METRES_PER_UNIT[values.dtype])


def _show(size: tuple[int, int]) -> str:
    height, width = size
    return f'{width} x {height}'
