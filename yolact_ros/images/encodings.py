"""Pixel encodings of image messages, each turned into RGB.

Sixteen bits are scaled to eight, from a range that can be chosen. By itself, where
the encoding says that values are brightness (mono16, rgb16, Bayer) the whole range [0, 65535]
counts, as for cv_bridge and image viewers. 16UC1 says nothing of its values (depth, temperature):
it is stretched from the darkest to the brightest percent of its pixels, zeros (no measurement)
left out. YUV is ITU-R BT.601 with luma in [16, 235].
Bayer patterns are interpolated bilinearly and mirrored at the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from yolact_core.media.range_mapping import RANGES, stretch
from yolact_core.media.ranges import BY_ENCODING, ImageRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolact_core.media.range_mapping import Bytes, Words

WHOLE = RANGES['16bit']


@dataclass(frozen=True)
class Encoding:
    """Pixels whose values lie side by side.

    Args:
        kind: Type of a value: 8 or 16 bits.
        channels: Values per pixel.
        to_rgb: Conversion of bytes (H, W), or (H, W, channels), to RGB (H, W, 3).
        to_bytes: Conversion of 16 bits to 8.
    """

    kind: type[np.uint8] | type[np.uint16]
    channels: int
    to_rgb: Callable[[Bytes], Bytes]
    to_bytes: Callable[[Words], Bytes]

    def decode(self, pixels: Bytes | Words, image_range: ImageRange = BY_ENCODING) -> Bytes:
        """Return RGB, shape (H, W, 3): the pixels themselves where these are RGB already.

        Args:
            pixels: Shape (H, W, channels), in any byte order.
            image_range: Range of 16-bit values that becomes that of bytes.
        """
        if self.channels == 1:
            pixels = pixels[..., 0]
        if self.kind is np.uint16:
            to_bytes = RANGES.get(image_range, self.to_bytes)
            pixels = to_bytes(np.ascontiguousarray(pixels, dtype=np.uint16))
        return self.to_rgb(pixels)  # type: ignore[arg-type] # bytes by now


@dataclass(frozen=True)
class SemiPlanarEncoding:
    """A plane of luma, then one of interleaved chroma.

    Args:
        code: OpenCV's code of the conversion, for chroma of half the size.
        chroma_step: Pixels of luma per pair of chroma, in both directions: 1 or 2.
    """

    code: int
    chroma_step: int

    def decode(self, luma: Bytes, chroma: Bytes) -> Bytes:
        """Return RGB, shape (H, W, 3).

        Args:
            luma: Shape (H, W).
            chroma: Shape (ceil(H / chroma_step), ceil(W / chroma_step), 2).
        """
        height, width = luma.shape
        if self.chroma_step == 1:
            doubled = luma.repeat(2, axis=0).repeat(2, axis=1)
            return np.ascontiguousarray(_two_planes(doubled, chroma, self.code)[::2, ::2])
        even = np.pad(luma, ((0, height % 2), (0, width % 2)), mode='edge')
        return np.ascontiguousarray(_two_planes(even, chroma, self.code)[:height, :width])


def _two_planes(luma: Bytes, chroma: Bytes, code: int) -> Bytes:
    return np.asarray(cv2.cvtColorTwoPlane(luma, chroma, code), dtype=np.uint8)


def _keep(pixels: Bytes) -> Bytes:
    return np.ascontiguousarray(pixels)


def _color(code: int) -> Callable[[Bytes], Bytes]:
    """Return OpenCV's conversion of single pixels."""
    return lambda pixels: np.asarray(cv2.cvtColor(pixels, code), dtype=np.uint8)


def _bayer(code: int) -> Callable[[Bytes], Bytes]:
    """Return an interpolation of colours: OpenCV's, which leaves out the edges."""

    def to_rgb(pixels: Bytes) -> Bytes:
        mirrored = cv2.copyMakeBorder(pixels, 2, 2, 2, 2, cv2.BORDER_REFLECT_101)
        return np.ascontiguousarray(cv2.cvtColor(mirrored, code)[2:-2, 2:-2], dtype=np.uint8)

    return to_rgb


def _packed_yuv(code: int) -> Callable[[Bytes], Bytes]:
    """Return a conversion of pixels that share their chroma in pairs.

    The last pixel of a row of odd width lacks half of its chroma, which its neighbours lend.
    """

    def to_rgb(pixels: Bytes) -> Bytes:
        width = pixels.shape[1]
        if width % 2:
            pixels = np.pad(pixels, ((0, 0), (0, 1), (0, 0)), mode='reflect')
        return np.ascontiguousarray(cv2.cvtColor(pixels, code)[:, :width], dtype=np.uint8)

    return to_rgb


def _bits8(channels: int, to_rgb: Callable[[Bytes], Bytes]) -> Encoding:
    return Encoding(np.uint8, channels, to_rgb, WHOLE)


def _bits16(
    channels: int, to_rgb: Callable[[Bytes], Bytes], to_bytes: Callable[[Words], Bytes] = WHOLE
) -> Encoding:
    return Encoding(np.uint16, channels, to_rgb, to_bytes)


_GREY = _color(cv2.COLOR_GRAY2RGB)
_BGR, _BGRA, _RGBA = map(_color, (cv2.COLOR_BGR2RGB, cv2.COLOR_BGRA2RGB, cv2.COLOR_RGBA2RGB))
_BAYER = {  # which OpenCV names by the second pixels of the second row
    'rggb': _bayer(cv2.COLOR_BayerBG2RGB),
    'bggr': _bayer(cv2.COLOR_BayerRG2RGB),
    'gbrg': _bayer(cv2.COLOR_BayerGR2RGB),
    'grbg': _bayer(cv2.COLOR_BayerGB2RGB),
}
_UYVY, _YUYV = _packed_yuv(cv2.COLOR_YUV2RGB_UYVY), _packed_yuv(cv2.COLOR_YUV2RGB_YUY2)

ENCODINGS = {
    'rgb8': _bits8(3, _keep),
    'bgr8': _bits8(3, _BGR),
    'rgba8': _bits8(4, _RGBA),
    'bgra8': _bits8(4, _BGRA),
    'rgb16': _bits16(3, _keep),
    'bgr16': _bits16(3, _BGR),
    'rgba16': _bits16(4, _RGBA),
    'bgra16': _bits16(4, _BGRA),
    'mono8': _bits8(1, _GREY),
    'mono16': _bits16(1, _GREY),
    '8UC1': _bits8(1, _GREY),
    '8UC3': _bits8(3, _BGR),
    '8UC4': _bits8(4, _BGRA),
    '16UC1': _bits16(1, _GREY, stretch),
    **{f'bayer_{order}8': _bits8(1, to_rgb) for order, to_rgb in _BAYER.items()},
    **{f'bayer_{order}16': _bits16(1, to_rgb) for order, to_rgb in _BAYER.items()},
    'yuv422': _bits8(2, _UYVY),
    'uyvy': _bits8(2, _UYVY),
    'yuv422_yuy2': _bits8(2, _YUYV),
    'yuyv': _bits8(2, _YUYV),
}
DEPTH_ENCODINGS = ('32FC1', '64FC1', '16SC1', '32SC1')  # which can be nothing else
SEMI_PLANAR_ENCODINGS = {
    'nv12': SemiPlanarEncoding(cv2.COLOR_YUV2RGB_NV12, 2),
    'nv21': SemiPlanarEncoding(cv2.COLOR_YUV2RGB_NV21, 2),
    'nv24': SemiPlanarEncoding(cv2.COLOR_YUV2RGB_NV12, 1),
}
