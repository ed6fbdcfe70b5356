"""``yolact_player``: its command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli import stop_on_signals
from yolact_core.cli.options import read_options
from yolact_core.errors import BAD_INPUT, InputError
from yolact_core.terminal import escape
from yolact_ros.player.options import Options, make_parser
from yolact_ros.process.ending import end_orderly
from yolact_ros.process.joining import join_ros, ros_errors, split_words

if TYPE_CHECKING:
    from yolact_ros.player.recording import Recording

NAME = 'yolact_player'


def main(argv: Sequence[str] | None = None) -> int:
    """Publish a recording.

    Args:
        argv: Words of the command line, without the command. Default: those of this process.

    Returns:
        Exit status: 0 at the end of the recording, or when stopped by Ctrl-C or SIGTERM; 2 for
        bad input, or if something of it could not be read.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = make_parser().parse_args(split_words(NAME, words))
        losses = Losses()
        end_orderly()
        with stop_on_signals() as is_stopped:
            _play(read_options(Options, arguments), words, is_stopped, losses)
            return BAD_INPUT if losses.count and not is_stopped() else 0
    except InputError as error:
        sys.stderr.write(f'{NAME}: error: {escape(" ".join(str(error).split()))}\n')
        return BAD_INPUT


class Losses:
    """Warns of each loss once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, loss: object) -> None:
        """Warn of a loss, unless that was done before."""
        if str(loss) not in self._told:
            self._told.add(str(loss))
            _warn(str(loss))

    @property
    def count(self) -> int:
        """Number of losses."""
        return len(self._told)


def _play(
    options: Options, words: list[str], is_stopped: Callable[[], bool], losses: Losses
) -> None:
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from yolact_ros.player.calibration import choose_camera
    from yolact_ros.player.node import PlayerNode
    from yolact_ros.player.pictures import PictureRecording

    if remark := join_ros(words, SignalHandlerOptions.NO):
        _warn(remark)
    try:
        with closing(_open_recording(options, losses)) as recording:
            is_new = isinstance(recording, PictureRecording)
            camera = choose_camera(options.messages, is_new=is_new)
            with ros_errors():
                node = PlayerNode(recording.topics, options, camera, is_stopped)
            try:
                node.wait_for_subscribers(options.wait)
                node.play(recording)
            finally:
                for name, tally in node.tallies.items():
                    sys.stdout.write(tally.describe(name) + '\n')
                sys.stdout.flush()
                node.destroy_node()
    finally:
        rclpy.shutdown()


def _open_recording(options: Options, losses: Losses) -> Recording:
    """Open the bag, or find the files that are none.

    Raises:
        InputError: There is nothing to play.
    """
    from yolact_ros.bag.io.opening import is_bag
    from yolact_ros.player.pictures import PictureRecording
    from yolact_ros.player.recording import BagRecording

    sources, topics = options.sources, options.bags.topics
    for source in sources:
        if not Path(source).exists() and not has_magic(source):
            raise InputError(
                f'source must be a bag, a video, an image or a folder, got {source!r}'
            )
    bags = [source for source in sources if is_bag(Path(source))]
    if not bags:
        if topics:
            raise InputError(f'topics must be those of a bag, got {sources[0]!r}')
        return PictureRecording(sources, options.rate, losses)
    if len(sources) > 1:
        raise InputError(f'a bag must be the only source, got {len(sources)} sources')
    longest_gap = options.bags.longest_gap
    return BagRecording(Path(bags[0]), topics, options.rate, losses, _warn, longest_gap)


def _warn(sentence: str) -> None:
    sys.stderr.write(f'{NAME}: warning: {escape(" ".join(sentence.split()))}\n')
