"""``yolact_player``: its command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.errors import InputError
from yolact_ros.player.options import make_parser
from yolact_ros.signals import stop_on_signals

if TYPE_CHECKING:
    from yolact_ros.player.bags import BagRecording
    from yolact_ros.player.node import PlayerNode
    from yolact_ros.player.pictures import PictureRecording
    from yolact_ros.player.settings import Settings

BAD_INPUT = 2
DEFAULT_FRAME_ID = 'camera'


def main(argv: Sequence[str] | None = None) -> int:
    """Publish a recording.

    Args:
        argv: The words of the command line, without the command. Default: those of this process.

    Returns:
        Exit status: 0 at the end of the recording, or when stopped by Ctrl-C or SIGTERM; 2 for
        bad input.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = make_parser().parse_args(_without_ros_arguments(words))
        with stop_on_signals() as is_stopped:
            _play(arguments, words, is_stopped)
    except InputError as error:
        sys.stderr.write(f'yolact_player: error: {" ".join(str(error).split())}\n')
        return BAD_INPUT
    return 0


def _without_ros_arguments(words: list[str]) -> list[str]:
    """Return the words that are not for ROS.

    Raises:
        InputError: There is no ROS, or the words for it are wrong.
    """
    try:
        from rclpy.utilities import remove_ros_args
    except ImportError as error:
        raise InputError(
            f'ROS 2 must be installed and its setup sourced, but Python lacks {error.name}'
        ) from error
    try:
        return list(remove_ros_args(['yolact_player', *words])[1:])
    except Exception as error:  # the class has no public name
        raise InputError(f'ROS arguments must be right: {error}') from error


def _play(arguments: argparse.Namespace, words: list[str], is_stopped: Callable[[], bool]) -> None:
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from yolact_ros.player.node import PlayerNode

    try:
        rclpy.init(args=words, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # the class has no public name
        raise InputError(f'ROS arguments must be right: {error}') from error
    try:
        with closing(_open_recording(arguments)) as recording:
            settings = _read_settings(arguments, recording)
            node = PlayerNode(recording.topics, settings, is_stopped)
            try:
                node.wait_for_subscribers(arguments.wait)
                node.play(recording)
            finally:
                _report(node)
                node.destroy_node()
    finally:
        rclpy.shutdown()


def _open_recording(arguments: argparse.Namespace) -> BagRecording | PictureRecording:
    """Open the bag, or find the files that are none.

    Raises:
        InputError: There is nothing to play.
    """
    from yolact_ros.player.bags import BagRecording, is_bag
    from yolact_ros.player.pictures import PictureRecording

    for source in arguments.sources:
        if not Path(source).exists() and not has_magic(source):
            raise InputError(
                f'source must be a bag, a video, an image or a folder, got {source!r}'
            )
    bags = [source for source in arguments.sources if is_bag(Path(source))]
    if not bags:
        if arguments.topics:
            raise InputError(f'topics must be those of a bag, got {arguments.sources[0]!r}')
        return PictureRecording(arguments.sources, arguments.rate, _warn)
    if len(arguments.sources) > 1:
        raise InputError(f'a bag must be the only source, got {len(arguments.sources)} sources')
    return BagRecording(Path(bags[0]), arguments.topics, arguments.rate, _warn)


def _read_settings(
    arguments: argparse.Namespace, recording: BagRecording | PictureRecording
) -> Settings:
    from yolact_ros.player.calibration import read_calibration
    from yolact_ros.player.pictures import PictureRecording
    from yolact_ros.player.settings import Settings

    is_camera_new = isinstance(recording, PictureRecording)
    path, field_of_view = arguments.camera_info, arguments.fov
    return Settings(
        speed=arguments.speed,
        is_looping=arguments.loop,
        duration=arguments.duration,
        transport=arguments.transport,
        as_camera=arguments.as_camera,
        stamps=arguments.stamps or ('now' if arguments.clock is None else 'recorded'),
        frame_id=arguments.frame_id or (DEFAULT_FRAME_ID if is_camera_new else None),
        is_reliable=arguments.qos == 'reliable',
        jpeg_quality=arguments.jpeg_quality,
        makes_infos=is_camera_new or path is not None or field_of_view is not None,
        calibration=None if path is None else read_calibration(path),
        field_of_view=field_of_view,
        clock_rate=arguments.clock,
    )


def _report(node: PlayerNode) -> None:
    for name, tally in node.tallies.items():
        sys.stdout.write(tally.describe(name) + '\n')
    sys.stdout.flush()


def _warn(sentence: str) -> None:
    sys.stderr.write(f'yolact_player: warning: {" ".join(sentence.split())}\n')
