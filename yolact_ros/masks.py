"""Decoders for those who read ``yolact/msg/InstanceArray``, and the encoder.

They need numpy alone and work with the messages of any ROS client library, for they only read
attributes.
"""

from __future__ import annotations

from collections.abc import Container
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.masks.rle import run_lengths_to_mask

LARGEST = 2**28  # pixels of a mask or image; a message of a few bytes may ask for billions

Message = Any  # ``yolact/msg/InstanceMask`` or ``InstanceArray`` of any client library


class MaskEncoding(IntEnum):
    """The constants of ``yolact/msg/InstanceMask``."""

    NONE = 0
    RLE = 1
    BITMAP = 2
    MONO8 = 3


def decode(mask: Message) -> npt.NDArray[np.bool_]:
    """Return the pixels of a mask inside its rectangle, shape (roi.height, roi.width).

    Args:
        mask: An ``InstanceMask``.

    Raises:
        InputError: It has no pixels, or not as many as its rectangle, or far too many.
    """
    height, width = mask.roi.height, mask.roi.width
    size = height * width
    _check_size('mask', size)
    if mask.encoding == MaskEncoding.RLE:
        runs = np.asarray(mask.rle, dtype=np.uint32)
        _check_count('runs of a mask must add up to', int(runs.sum(dtype=np.uint64)), size)
        return run_lengths_to_mask(runs, height, width)
    data = np.asarray(mask.data, dtype=np.uint8)
    if mask.encoding == MaskEncoding.BITMAP:
        _check_count('bytes of a bitmap must be', data.size, -(-size // 8))
        return np.unpackbits(data, count=size).reshape(height, width).astype(np.bool_)
    if mask.encoding == MaskEncoding.MONO8:
        _check_count('bytes of a mono8 mask must be', data.size, size)
        return data.reshape(height, width).astype(np.bool_)
    raise InputError(f'encoding of a mask must be RLE, BITMAP or MONO8, got {mask.encoding}')


def encode(
    instance_masks: InstanceMasks, index: int, encoding: MaskEncoding
) -> dict[str, npt.NDArray[np.uint32] | npt.NDArray[np.uint8]]:
    """Return the field of an ``InstanceMask`` that holds the pixels, by its name; it is flat.

    Args:
        instance_masks: Masks of the instances of one image.
        index: Position of the mask among them.
        encoding: Wanted encoding; ``NONE`` has no such field.
    """
    if encoding == MaskEncoding.RLE:
        return {'rle': instance_masks.run_lengths[index]}
    if encoding == MaskEncoding.BITMAP:
        return {'data': np.packbits(instance_masks.crops[index])}
    if encoding == MaskEncoding.MONO8:
        return {'data': instance_masks.crops[index].view(np.uint8).ravel() * np.uint8(255)}
    return {}


def window(mask: Message, size: tuple[int, int] | None = None) -> tuple[slice, slice]:
    """Return the rows and columns of a mask's rectangle: ``image[window(mask)]`` is a view of it.

    Args:
        mask: An ``InstanceMask``.
        size: Height and width of the image that the mask must lie in; None: not checked.

    Raises:
        InputError: The mask reaches beyond the image.
    """
    roi = mask.roi
    rows = slice(roi.y_offset, roi.y_offset + roi.height)
    columns = slice(roi.x_offset, roi.x_offset + roi.width)
    if size is not None and (rows.stop > size[0] or columns.stop > size[1]):
        raise InputError(
            f'mask must lie inside the image of {size[1]} x {size[0]}, '
            f'got columns up to {columns.stop} and rows up to {rows.stop}'
        )
    return rows, columns


def paint(mask: Message, image: npt.NDArray[Any], value: object) -> None:
    """Set the pixels of a mask in an image.

    Args:
        mask: An ``InstanceMask``.
        image: Shape (H, W) or (H, W, channels), of the size in the ``InstanceArray``.
        value: One number, or one per channel.

    Raises:
        InputError: The mask is malformed or reaches beyond the image.
    """
    image[window(mask, image.shape[:2])][decode(mask)] = value


def to_full_size(mask: Message, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return a mask of the whole image, shape ``size``.

    Args:
        mask: An ``InstanceMask``.
        size: Height and width of the image.

    Raises:
        InputError: The mask is malformed or reaches beyond the image.
    """
    full = np.zeros(size, dtype=np.bool_)
    paint(mask, full, value=True)
    return full


def unite(instances: Message, class_names: Container[str] | None = None) -> npt.NDArray[np.bool_]:
    """Return where any instance is, shape (image_height, image_width).

    Args:
        instances: An ``InstanceArray``.
        class_names: Names of the classes whose instances count; None: all.

    Raises:
        InputError: The image is far too large, or a mask malformed or beyond it.
    """
    _check_size('image', instances.image_height * instances.image_width)
    union = np.zeros((instances.image_height, instances.image_width), dtype=np.bool_)
    for instance in instances.instances:
        if class_names is None or instance.class_name in class_names:
            paint(instance.mask, union, value=True)
    return union


def _check_count(rule: str, count: int, wanted: int) -> None:
    if count != wanted:
        raise InputError(f'{rule} {wanted}, got {count}')


def _check_size(subject: str, pixels: int) -> None:
    if pixels > LARGEST:
        raise InputError(f'{subject} must have at most {LARGEST} pixels, got {pixels}')
