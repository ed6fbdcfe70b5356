"""Which images of a bag are taken, how, and with which depth."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from yolact_core.cli.options import option, whole_number
from yolact_core.errors import InputError
from yolact_core.media.ranges import BY_ENCODING, IMAGE_RANGE_HELP, ImageRange


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'must be seconds of at least 0, got {text!r}')
    return value


@dataclass(frozen=True, kw_only=True)
class ImageSelection:
    """Images of a bag that are taken, which are also options of the command line.

    Args:
        topic: Topics of images; empty means all of them.
        every: Take the first and then every so-many-th image of each topic.
        start: Where to begin, in seconds after the first message; None is the first message.
        end: Where to end, in seconds after the first message; None is the end of the bag.
        image_range: Range of the values of 16-bit images that becomes that of bytes.

    Raises:
        InputError: The stretch ends before it begins.
    """

    topic: tuple[str, ...] = option(
        'a topic of images, may be repeated (default: all)', (), metavar='TOPIC'
    )
    every: int = option('take every N-th image', 1, metavar='N', type=whole_number)
    start: float | None = option(
        'begin S seconds after the first message', metavar='S', type=_seconds
    )
    end: float | None = option('end S seconds after the first message', metavar='S', type=_seconds)
    image_range: ImageRange = option(IMAGE_RANGE_HELP, BY_ENCODING)

    def __post_init__(self) -> None:
        """Refuse a stretch that ends before it begins."""
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise InputError(f'--end must be after --start, got {self.end:g} and {self.start:g}')


@dataclass(frozen=True, kw_only=True)
class DepthSelection:
    """Topics beside those of images, which are also options of the command line.

    Args:
        depth: Topic of the depth; None: found by its frame.
        camera_info: Topic of the calibration; None: found by its frame.
    """

    depth: str | None = option(
        'topic of the depth that is registered to the images (default: found by its frame)',
        metavar='TOPIC',
    )
    camera_info: str | None = option(
        'topic of the calibration of the images (default: found by its frame)', metavar='TOPIC'
    )
