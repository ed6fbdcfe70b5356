"""Serialized image messages, read where they lie.

Deserializing copies the pixels twice, into memory that the caches have not seen: for a large image
that takes longer than anything else between camera and network. The fields around the pixels are
few and their form is standardized (OMG's Common Data Representation), so they are read here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from yolact_core.errors import InputError
from yolact_ros.deserialization import HEAD, deserialize

BYTE_ORDERS = {b'\x00\x00': '>', b'\x00\x01': '<'}  # by the first bytes of plain CDR


@dataclass(frozen=True)
class ImageView:
    """The fields of ``sensor_msgs/msg/Image``, whose pixels stay in the serialized message."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


def read_image(serialized: bytes) -> ImageView | Image:
    """Return a serialized ``sensor_msgs/msg/Image``, without a copy if it is in plain CDR.

    Args:
        serialized: Message as the middleware hands it out; it must not change while the result is
            in use.

    Raises:
        InputError: The message is cut off, or no image.
    """
    byte_order = BYTE_ORDERS.get(serialized[:2])
    if byte_order is None:
        image: Image = deserialize(serialized, Image)
        return image
    reader = _Reader(serialized, byte_order)
    try:
        return ImageView(
            header=Header(
                stamp=Time(sec=reader.read('i'), nanosec=reader.read('I')),
                frame_id=reader.read_text(),
            ),
            height=reader.read('I'),
            width=reader.read('I'),
            encoding=reader.read_text(),
            is_bigendian=reader.read('B'),
            step=reader.read('I'),
            data=reader.read_bytes(),
        )
    except struct.error:
        raise InputError(
            f'serialized image must be whole, but the end is missing after {len(serialized)} bytes'
        ) from None


def read_stamp(serialized: bytes) -> int:
    """Return the stamp of a serialized message that begins with a header, ns since 1970.

    Args:
        serialized: Message as the middleware hands it out.

    Raises:
        InputError: The message is cut off, or not in plain CDR.
    """
    byte_order = BYTE_ORDERS.get(serialized[:2])
    try:
        if byte_order is None:
            raise struct.error
        reader = _Reader(serialized, byte_order)
        return reader.read('i') * 10**9 + reader.read('I')
    except struct.error:
        raise InputError(
            f'serialized message must begin with a stamp in plain CDR, got {serialized[:12].hex()}'
        ) from None


class _Reader:
    """Reads one field after the other.

    Args:
        serialized: The message.
        byte_order: Byte order as ``struct`` writes it.
    """

    def __init__(self, serialized: bytes, byte_order: str) -> None:
        self._serialized = serialized
        self._byte_order = byte_order
        self._position = HEAD  # fields are aligned from there on

    def read(self, kind: str) -> int:
        """Return a number of the type that ``struct`` calls so."""
        number = struct.Struct(self._byte_order + kind)
        self._position += (HEAD - self._position) % number.size
        (value,) = number.unpack_from(self._serialized, self._position)
        self._position += number.size
        return int(value)

    def read_bytes(self) -> memoryview:
        """Return a sequence of bytes, not copied."""
        count = self.read('I')
        start, self._position = self._position, self._position + count
        if self._position > len(self._serialized):
            raise struct.error
        return memoryview(self._serialized)[start : self._position]

    def read_text(self) -> str:
        """Return a text, which ends with a zero."""
        return bytes(self.read_bytes()[:-1]).decode(errors='replace')
