"""What ``yolact_player`` can be asked for."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yolact_core.cli.options import add_options, argument, group, option

EPILOG = (
    'Images of videos and folders are published as "image", those of bags as recorded. '
    'Remap them as usual, the camera info follows: --ros-args -r image:=/camera/image_raw'
)


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog='yolact_player',
        description='Publish a bag, videos or images as a camera would.',
        epilog=EPILOG,
    )
    add_options(parser, Options)
    return parser


def number_up_to(highest: float) -> Callable[[str], float]:
    """Return a reader of numbers above 0 for argparse."""

    def number(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and 0 < value <= highest):
            raise argparse.ArgumentTypeError(
                f'must be above 0 and at most {highest:g}, got {text!r}'
            )
        return value

    return number


def percentage(text: str) -> int:
    """Read a whole number from 1 to 100 for argparse.

    Raises:
        argparse.ArgumentTypeError: It is another number.
    """
    value = int(text)
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError(f'must be 1 to 100, got {text!r}')
    return value


@dataclass(frozen=True, kw_only=True)
class MessageOptions:
    """Options that say what is published."""

    transport: Literal['raw', 'compressed'] | None = option(
        'publish Image or CompressedImage (default: as in the bag; otherwise raw)'
    )
    jpeg_quality: int = option(
        'of images that are compressed here, 1 to 100 (default: 90)',
        90,
        type=percentage,
        metavar='N',
    )
    qos: Literal['reliable', 'best-effort'] = option(
        'of images and camera infos; reliable suits every subscriber (default: reliable)',
        'reliable',
    )
    stamps: Literal['now', 'recorded'] | None = option(
        'time of publishing, or as recorded (default: now, with --clock recorded)'
    )
    clock: float | None = option(
        'publish the time of the recording on /clock, so often (default: not; 100 Hz)',
        nargs='?',
        type=number_up_to(1000),
        const=100.0,
        metavar='HZ',
    )
    frame_id: str | None = option(
        'of images (default: as in the bag; otherwise camera)', metavar='NAME'
    )
    camera_info: Path | None = option(
        'calibration of the camera, YAML as camera_calibration writes it',
        exclusive='info',
        metavar='FILE',
    )
    fov: float | None = option(
        'make up a camera info from this horizontal field of view (default: uncalibrated)',
        exclusive='info',
        type=number_up_to(179),
        metavar='DEGREES',
    )


@dataclass(frozen=True, kw_only=True)
class BagOptions:
    """Options that only a bag has a use for."""

    topics: tuple[str, ...] = option(
        'publish these only (default: images of all cameras, without depth and what yolact drew, '
        'and their camera infos)',
        (),
        nargs='+',
        metavar='TOPIC',
    )
    longest_gap: float = option(
        'wait no longer than S seconds where nothing was recorded (default: 5)',
        5.0,
        type=number_up_to(1e6),
        metavar='S',
    )
    as_camera: bool = option(
        'publish the one topic of images as "image", whatever its recorded name, and chosen '
        'compressedDepth as "depth/compressedDepth"',
        False,
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact_player`` can be asked for."""

    sources: tuple[str, ...] = argument(
        'a bag of ROS 2 (folder, .mcap or .db3), or videos, images, folders and patterns',
        nargs='+',
        metavar='SOURCE',
    )
    loop: bool = option('begin again at the end', False)
    duration: float | None = option(
        'end after S seconds of the recording (default: at its end, with --loop never)',
        type=number_up_to(1e6),
        metavar='S',
    )
    rate: float | None = option(
        'images per second (default: as recorded; 10 for image files)',
        exclusive='tempo',
        type=number_up_to(1000),
        metavar='HZ',
    )
    speed: float = option(
        '2.0 plays twice as fast as recorded (default: 1.0)',
        1.0,
        exclusive='tempo',
        type=number_up_to(100),
        metavar='FACTOR',
    )
    wait: float = option(
        'wait for subscribers of all images, but no longer than S seconds (default: 0)',
        0.0,
        type=number_up_to(3600),
        metavar='S',
    )
    messages: MessageOptions = group('messages')
    bags: BagOptions = group('bags')

    @property
    def keeps_stamps(self) -> bool:
        """Whether messages keep their stamps, instead of getting the time of publishing."""
        default = 'now' if self.messages.clock is None else 'recorded'
        return (self.messages.stamps or default) == 'recorded'
