"""``python -m yolact_ros.demo``: a camera, the node and a recorder, and a report at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolact_core.checkpoints.model_zoo import find_model, shipped_models
from yolact_core.cli import run_program, stop_on_signals
from yolact_core.cli.options import option, parse_options
from yolact_core.errors import INTERRUPTED, InputError
from yolact_core.terminal import complain, say
from yolact_ros.bag.io.bag import require_rosbags
from yolact_ros.demo.parts import RENDERED, real_rooms, rendered_room
from yolact_ros.demo.programs import ProgramError, play
from yolact_ros.demo.report import forget, report
from yolact_ros.demo.space_report import report_in_space

FAILED = 1
DEFAULT_MODEL = 'coco'


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the demo can be asked for."""

    model: str = option(
        'shipped model, official name, or checkpoint (default: coco)', DEFAULT_MODEL
    )
    backend: str = option('runtime of the network (default: auto)', 'auto')
    seconds: float = option(  # the bag of real rooms twice
        'how long the camera runs, 10 at most with depth (default: 24)', 24.0, metavar='S'
    )
    score_threshold: float = option(
        'show instances with a score above it (default: 0.3)', 0.3, metavar='S'
    )
    output: Path = option(
        'folder of the results (default: out/demo)', Path('out/demo'), metavar='DIR'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo.

    Args:
        argv: Words of the command line, without the command. Default: those of this process.

    Returns:
        Exit status: 0 if all is well, 1 if a program failed, 2 for bad input, 130 after Ctrl-C.
    """
    return run_program(lambda: _run(argv), is_last=argv is None)


def _run(argv: Sequence[str] | None) -> int:
    options = parse_options(
        Options,
        argv,
        prog='python -m yolact_ros.demo',
        description='Play pictures of rooms to the node, record what it finds, and sum it up.',
    )
    _check(options)
    try:
        with stop_on_signals() as is_stopped:
            forget(options.output)
            status = _play_rooms(options, is_stopped)
            return status or _play_with_depth(options, is_stopped)
    except ProgramError as error:
        sys.stderr.write(f'yolact: error: {error}\n')
        return FAILED


def _check(options: Options) -> None:
    """Refuse early what cannot work, and fetch the model if need be.

    Raises:
        InputError: Something is missing or out of range.
    """
    if not 0 < options.seconds <= 3600:
        raise InputError(f'seconds must be above 0 and at most 3600, got {options.seconds:g}')
    if not 0 <= options.score_threshold < 1:
        raise InputError(f'score_threshold must be in [0, 1), got {options.score_threshold:g}')
    require_rosbags()
    if options.model == DEFAULT_MODEL and DEFAULT_MODEL not in shipped_models():
        raise InputError(
            f'model must be named, for {DEFAULT_MODEL!r} does not ship with this version: '
            'make demo MODEL=FILE.safetensors, or MODEL=yolact_resnet50, which is fetched once'
        )
    find_model(options.model)


def _play_rooms(options: Options, is_stopped: Callable[[], bool]) -> int:
    """Show the node real rooms, and return the exit status.

    Raises:
        ProgramError: One of the programs failed.
    """
    say(
        f'{options.seconds:g} s of pictures of rooms, seen by {options.model}; '
        f'logs are in {options.output}/logs, Ctrl-C ends it early'
    )
    with real_rooms(options.output, _parameters(options)) as part:
        play(part, options.seconds, is_stopped)
    return _finish(report, options.output, is_stopped)


def _play_with_depth(options: Options, is_stopped: Callable[[], bool]) -> int:
    """Show the node a room with depth where there is a recording of one; return the exit status.

    Raises:
        ProgramError: One of the programs failed.
    """
    if not RENDERED.is_file():
        say(f'{RENDERED} is not here, as where only the package is installed: no part with depth')
        return 0
    say('\nand now a rendered room with depth beside the images')
    play(rendered_room(options.output, _parameters(options)), options.seconds, is_stopped)
    return _finish(report_in_space, options.output, is_stopped)


def _parameters(options: Options) -> dict[str, object]:
    return {
        'model.name': options.model,
        'model.backend': options.backend,
        'score_threshold': options.score_threshold,
    }


def _finish(
    report_on: Callable[[Path], None], folder: Path, is_stopped: Callable[[], bool]
) -> int:
    """Report what was recorded, and return the exit status.

    Args:
        report_on: Function that makes the report, given the folder.
        folder: Folder of the results.
        is_stopped: Function that says whether the user wants an early end.

    Raises:
        InputError: The demo ran to its end, but there is nothing to report.
    """
    try:
        report_on(folder)
    except InputError as error:
        if not is_stopped():
            raise
        complain(f'stopped too early: {error}')
    return INTERRUPTED if is_stopped() else 0


if __name__ == '__main__':
    sys.exit(main())
