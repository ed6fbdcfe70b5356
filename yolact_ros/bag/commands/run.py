"""``yolact bag run``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.model_options import add_detection_options, add_model_options, load_detector
from yolact_core.cli.status import INTERRUPTED
from yolact_core.terminal import progress_bar, say, say_json, stop_on_interrupt
from yolact_ros.bag.commands.options import (
    Damages,
    add_selection,
    check_output,
    check_overlay,
    check_range,
    name_outputs,
)
from yolact_ros.bag.fleet.options import add_bags, choose_bags
from yolact_ros.bag.replay.summary import describe, summarize

if TYPE_CHECKING:
    from yolact_ros.bag.io.bag import Bag
    from yolact_ros.bag.replay.replay import Selection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    add_bags(parser)
    parser.add_argument(
        '--output',
        type=Path,
        required=True,
        metavar='OUT',
        help='.mcap file of the results, or a new folder; of many bags the folder of their '
        'results; a run that was killed goes on',
    )
    parser.add_argument(
        '--outputs',
        default='instances',
        metavar='NAME,NAME',
        help='instances, label_image, class_mask, confidence, overlay, overlay/compressed, '
        'prototypes, timing (which alone differs from run to run)',
    )
    parser.add_argument(
        '--overlay', type=Path, metavar='VIDEO.mp4', help='also draw the results as a video'
    )
    parser.add_argument(
        '--restart', action='store_true', help='drop what an earlier run left unfinished'
    )
    add_selection(parser)
    add_model_options(parser)
    add_detection_options(parser)
    parser.add_argument('--json', action='store_true', help='print the summary as JSON')


def run(arguments: argparse.Namespace) -> int:
    """Write a bag of results.

    Returns:
        0, or 2 if something of the bag could not be read, or 130 if Ctrl-C ended it early.
    """
    from yolact_ros.bag.evaluate.plan import select_span
    from yolact_ros.bag.io.bag import Bag
    from yolact_ros.bag.replay.replay import Selection

    check_range(arguments)
    chosen = choose_bags(arguments)
    if chosen.is_shared:
        from yolact_ros.bag.fleet.command_run import run_shared

        return run_shared(arguments, chosen)
    damages = Damages()
    (path,) = chosen.bags
    with Bag(path, damages) as bag:
        check_output(arguments.output, path)
        check_overlay(arguments.overlay)
        span = select_span(bag, arguments.start, arguments.end)
        topics = tuple(topic.name for topic in bag.select_images(arguments.topic))
        selection = Selection(topics, arguments.every, span.start, span.stop)
        is_done = _replay(arguments, bag, selection, damages)
    return damages.status if is_done else INTERRUPTED


def _replay(
    arguments: argparse.Namespace, bag: Bag, selection: Selection, damages: Damages
) -> bool:
    """Write results, say what was done, and return whether that is all."""
    from yolact_ros.bag.evaluate.plan import estimate_images
    from yolact_ros.bag.replay.frames import Span
    from yolact_ros.bag.replay.outputs import select_outputs
    from yolact_ros.bag.replay.overlay_video import write_overlay_videos
    from yolact_ros.bag.replay.replay import Replay, list_topics, make_plan
    from yolact_ros.bag.replay.resumable_output import Parts

    outputs = select_outputs(name_outputs(arguments))
    detector = load_detector(arguments)
    plan = make_plan(bag, selection, detector, outputs)
    types = list_topics(selection.topics, outputs)
    parts = Parts(arguments.output, plan, types, restart=arguments.restart)
    replay = Replay(bag, selection, detector, outputs, parts)
    count = sum(topic.count for topic in bag.topics if topic.name in selection.topics)
    total = estimate_images(bag, count, selection.every, Span(selection.start, selection.stop))
    resumed = parts.progress.images
    with (
        stop_on_interrupt() as is_stopped,
        progress_bar('images', max(total - resumed, 0)) as advance,
    ):
        is_done = replay.run(advance, is_stopped)
    if is_done and arguments.overlay:
        write_overlay_videos(bag, selection, arguments.output, arguments.overlay)
    seconds = [decode + timing.total for decode, timing in replay.timings]
    summary = summarize(replay.progress, resumed, seconds, replay.reasons)
    summary = {'model': detector.model_id, 'output': str(arguments.output), **summary}
    if arguments.json:
        say_json(summary)
    else:
        say(describe(summary, is_done, parts.folder))
    return is_done
