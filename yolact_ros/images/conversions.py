"""Image messages to RGB, and arrays to image messages."""

from __future__ import annotations

import sys
from array import array
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from yolact_ros.images.decoding import JPEG_FORMAT, compressed_to_rgb, encode_jpeg, image_to_rgb

__all__ = ['array_to_image', 'compressed_to_rgb', 'image_to_rgb', 'rgb_to_jpeg', 'to_array']


def array_to_image(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], encoding: str, header: Header
) -> Image:
    """Make a message of an array.

    Args:
        pixels: Shape (H, W) or (H, W, channels), in the machine's byte order.
        encoding: What they are, such as ``rgb8``.
        header: Of the message; not copied.
    """
    height, width = pixels.shape[:2]
    message = Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=sys.byteorder == 'big',
        step=pixels.nbytes // max(height, 1),
    )
    message.data = to_array('B', pixels)  # which the constructor would copy
    return message


def rgb_to_jpeg(rgb: npt.NDArray[np.uint8], header: Header, quality: int = 80) -> CompressedImage:
    """Compress an image.

    Args:
        rgb: Shape (H, W, 3).
        header: Of the message; not copied.
        quality: In [1, 100].
    """
    return CompressedImage(
        header=header, format=JPEG_FORMAT, data=to_array('B', encode_jpeg(rgb, quality))
    )


def to_array(typecode: str, values: npt.NDArray[Any]) -> array[Any]:
    """Copy numbers into what fills a message's field fastest.

    Args:
        typecode: Of the field's items: ``B`` for uint8, ``I`` for uint32, ``f`` for float32.
        values: Of exactly that type.
    """
    filled = array(typecode)
    filled.frombytes(np.ascontiguousarray(values).view(np.uint8).data)
    return filled
