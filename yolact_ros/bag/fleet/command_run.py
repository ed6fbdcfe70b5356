"""``yolact bag run`` by several processes or machines."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from yolact_core.cli.model_options import load_detector
from yolact_core.cli.status import INTERRUPTED
from yolact_core.errors import InputError
from yolact_core.terminal import progress_bar, say, say_json
from yolact_ros.bag.commands.options import (
    Damages,
    check_output,
    check_overlay,
    detector_options,
    name_outputs,
)
from yolact_ros.bag.fleet.bags import name_results
from yolact_ros.bag.fleet.options import Chosen, open_pool
from yolact_ros.bag.fleet.pieces import ReplayJob
from yolact_ros.bag.fleet.replaying import ReplayedBag, replay_bags
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.outputs import select_outputs
from yolact_ros.bag.replay.overlay_video import write_overlay_videos
from yolact_ros.bag.replay.summary import describe, summarize

if TYPE_CHECKING:
    from yolact_core.detector import Detector


def run_shared(arguments: argparse.Namespace, chosen: Chosen) -> int:
    """Let others write the bags of results, and say what became of each.

    Returns:
        0, or 2 if something could not be read or done, or 130 if Ctrl-C ended it early.
    """
    detector = load_detector(arguments)
    jobs = _list_jobs(arguments, chosen, detector)
    needs_gpu = detector.device.type == 'cuda'
    try:
        with open_pool(arguments, needs_gpu=needs_gpu) as pool:
            bags = replay_bags(pool, jobs, progress_bar, restart=arguments.restart)
    except KeyboardInterrupt:
        say(f'stopped; what is done lies beside {arguments.output}, and the same command goes on')
        return INTERRUPTED
    damages = Damages()
    for bag in bags:
        for sentence in (*bag.damages, *bag.failures):
            damages(sentence)
    if arguments.overlay and not bags[0].failures:
        _draw_overlay(arguments, bags[0])
    _show_shared(arguments, chosen, bags, detector.model_id)
    return damages.status


def _list_jobs(
    arguments: argparse.Namespace, chosen: Chosen, detector: Detector
) -> list[ReplayJob]:
    """Return what is to be done.

    Raises:
        InputError: Outputs do not fit to bags.
    """
    check_overlay(arguments.overlay)
    if arguments.overlay and not chosen.is_single:
        raise InputError('--overlay must go with one bag, got several')
    outputs = [arguments.output]
    if not chosen.is_single:
        outputs = name_results(chosen.bags, arguments.output)
    for output, bag in zip(outputs, chosen.bags, strict=True):
        check_output(output, bag)
    names = tuple(output.name for output in select_outputs(name_outputs(arguments)))
    options = {
        **detector_options(arguments),
        'score_threshold': arguments.score_threshold,
        'config': arguments.config,
        'device': str(detector.device),  # nobody chooses anew
        'backend': detector.backend,
    }
    return [
        ReplayJob(
            bag=bag,
            output=output,
            outputs=names,
            model=arguments.model,
            options=options,
            topics=tuple(arguments.topic),
            every=arguments.every,
            start=arguments.start,
            end=arguments.end,
            part_images=arguments.part_images,
        )
        for bag, output in zip(chosen.bags, outputs, strict=True)
    ]


def _draw_overlay(arguments: argparse.Namespace, replayed: ReplayedBag) -> None:
    if replayed.selection is not None:
        with Bag(replayed.job.bag, lambda _: None) as bag:
            write_overlay_videos(bag, replayed.selection, arguments.output, arguments.overlay)


def _show_shared(
    arguments: argparse.Namespace, chosen: Chosen, bags: list[ReplayedBag], model: str
) -> None:
    """Say what became of each bag; of one as if no one else had done it."""
    summaries = []
    for bag in bags:
        seconds = [one for piece in bag.pieces for one in piece.seconds]
        reasons = dict.fromkeys(reason for piece in bag.pieces for reason in piece.reasons)
        summary = summarize(bag.progress, bag.resumed, seconds, list(reasons))
        where = {'bag': str(bag.job.bag), 'model': model, 'output': str(bag.job.output)}
        summaries.append({**where, **summary, 'failures': bag.failures})
        if not arguments.json and bag.selection is not None:
            say(describe(summaries[-1], not bag.failures, bag.folder))
    if arguments.json:
        say_json(summaries[0] if chosen.is_single else {'bags': summaries})
