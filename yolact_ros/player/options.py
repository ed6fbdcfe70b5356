"""The options of ``yolact_player``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

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
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='a bag of ROS 2 (folder, .mcap or .db3), or videos, images, folders and patterns',
    )
    parser.add_argument('--loop', action='store_true', help='begin again at the end')
    parser.add_argument(
        '--duration',
        type=_number_up_to(1e6),
        metavar='S',
        help='end after S seconds of the recording (default: at its end, with --loop never)',
    )
    tempo = parser.add_mutually_exclusive_group()
    tempo.add_argument(
        '--rate',
        type=_number_up_to(1000),
        metavar='HZ',
        help='images per second (default: as recorded; 10 for image files)',
    )
    tempo.add_argument(
        '--speed',
        type=_number_up_to(100),
        default=1.0,
        metavar='FACTOR',
        help='2.0 plays twice as fast as recorded (default: 1.0)',
    )
    parser.add_argument(
        '--wait',
        type=_number_up_to(3600),
        default=0.0,
        metavar='S',
        help='wait for subscribers of all images, but no longer than S seconds (default: 0)',
    )
    _add_message_options(parser)
    _add_bag_options(parser)
    return parser


def _add_message_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('messages')
    group.add_argument(
        '--transport',
        choices=('raw', 'compressed'),
        help='publish Image or CompressedImage (default: as in the bag; otherwise raw)',
    )
    group.add_argument(
        '--jpeg-quality',
        type=_whole_number_up_to(100),
        default=90,
        metavar='N',
        help='of images that are compressed here, 1 to 100 (default: 90)',
    )
    group.add_argument(
        '--qos',
        choices=('reliable', 'best-effort'),
        default='reliable',
        help='of images and camera infos; reliable suits every subscriber (default: reliable)',
    )
    group.add_argument(
        '--stamps',
        choices=('now', 'recorded'),
        help='time of publishing, or as recorded (default: now, with --clock recorded)',
    )
    group.add_argument(
        '--clock',
        nargs='?',
        type=_number_up_to(1000),
        const=100.0,
        metavar='HZ',
        help='publish the time of the recording on /clock, so often (default: not; 100 Hz)',
    )
    group.add_argument(
        '--frame-id', metavar='NAME', help='of images (default: as in the bag; otherwise camera)'
    )
    info = group.add_mutually_exclusive_group()
    info.add_argument(
        '--camera-info',
        type=Path,
        metavar='FILE',
        help='calibration of the camera, YAML as camera_calibration writes it',
    )
    info.add_argument(
        '--fov',
        type=_number_up_to(179),
        metavar='DEGREES',
        help='make up a camera info from this horizontal field of view (default: uncalibrated)',
    )


def _add_bag_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('bags')
    group.add_argument(
        '--topics',
        nargs='+',
        default=[],
        metavar='TOPIC',
        help='publish these only (default: all images, and their camera infos)',
    )
    group.add_argument(
        '--as-camera',
        action='store_true',
        help='publish the one topic of images as "image", whatever its recorded name',
    )


def _number_up_to(highest: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and 0 < value <= highest):
            raise argparse.ArgumentTypeError(
                f'must be above 0 and at most {highest:g}, got {text!r}'
            )
        return value

    return number


def _whole_number_up_to(highest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not 1 <= value <= highest:
            raise argparse.ArgumentTypeError(f'must be 1 to {highest}, got {text!r}')
        return value

    return number
