"""Videos with images at irregular times, as Matroska has them; OpenCV writes none."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675


def make_matroska(
    images: Sequence[npt.NDArray[np.uint8]], seconds: Sequence[float], fps: float
) -> bytes:
    """Return a file that shows images at these times and says that its rate is ``fps``."""
    height, width = images[0].shape[:2]
    video = _element(0xB0, _number(width)) + _element(0xBA, _number(height))
    track = [
        _element(0xD7, _number(1)) + _element(0x73C5, _number(1)) + _element(0x83, _number(1)),
        _element(0x86, b'V_MJPEG') + _element(0x23E383, _number(round(1e9 / fps))),
        _element(0xE0, video),
    ]
    duration = struct.pack('>d', 1000 * seconds[-1] + 1000 / fps)
    info = _element(0x2AD7B1, _number(1_000_000)) + _element(0x4489, duration)
    contents = [
        _element(0xE7, _number(round(1000 * time))) + _element(0xA3, _block(one))
        for one, time in zip(images, seconds, strict=True)
    ]
    clusters = [_element(CLUSTER, content) for content in contents]
    segment = [_element(INFO, info), _element(TRACKS, _element(0xAE, b''.join(track))), *clusters]
    head = _element(0x4282, b'matroska') + _element(0x4287, _number(4))
    return _element(EBML, head) + _element(SEGMENT, b''.join(segment))


def _block(rgb: npt.NDArray[np.uint8]) -> bytes:
    """Return a key frame of track 1 at the time of its cluster."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return b'\x81\0\0\x80' + cv2.imencode('.jpg', bgr)[1].tobytes()


def _element(name: int, content: bytes) -> bytes:
    size = (len(content) | 1 << 56).to_bytes(8, 'big')
    return name.to_bytes((name.bit_length() + 7) // 8, 'big') + size + content


def _number(value: int) -> bytes:
    return value.to_bytes(8, 'big')
