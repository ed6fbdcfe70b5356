"""Options that several actions of ``yolact bag`` share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.cli.options import whole_number
from yolact_core.cli.status import BAD_INPUT
from yolact_core.errors import InputError
from yolact_core.terminal import complain
from yolact_ros.bag.evaluate.limits import Limit, parse_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_ros.bag.evaluate.plan import EvaluationPlan

LIMIT_BROKEN = 1
DETECTION_OPTIONS = ('iou_threshold', 'max_detections', 'class_agnostic', 'nms')
MODEL_OPTIONS = ('device', 'backend', 'precision')


class Damages:
    """What is wrong with bags, each told once on stderr."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def __call__(self, sentence: str) -> None:
        """Tell about some damage."""
        if sentence not in self._told:
            self._told.append(sentence)
            complain(sentence)

    @property
    def status(self) -> int:
        """Exit status: what could be read was processed, but something could not."""
        return BAD_INPUT if self._told else 0


def add_bag(parser: argparse.ArgumentParser) -> None:
    """Add the bag itself."""
    parser.add_argument(
        'bag', type=Path, metavar='BAG', help='a folder, .mcap or .db3 file, or .bag of ROS 1'
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which images are taken."""
    group = parser.add_argument_group('images')
    group.add_argument(
        '--topic',
        action='append',
        default=[],
        metavar='TOPIC',
        help='a topic of images, may be repeated (default: all)',
    )
    group.add_argument(
        '--every', type=whole_number, default=1, metavar='N', help='take every N-th image'
    )
    group.add_argument(
        '--start', type=_seconds, metavar='S', help='begin S seconds after the first message'
    )
    group.add_argument(
        '--end', type=_seconds, metavar='S', help='end S seconds after the first message'
    )


def add_truth(parser: argparse.ArgumentParser) -> None:
    """Add where the truth comes from."""
    parser.add_argument(
        '--truth',
        action='append',
        default=[],
        metavar='TOPIC_OR_JSON',
        help='InstanceArray topic in the bag (IMAGES=TOPIC for one of several cameras), or a '
        'COCO file whose images have a stamp (default: none)',
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add limits on figures."""
    group = parser.add_argument_group('limits')
    for name, what in (('below', 'lower'), ('above', 'higher')):
        group.add_argument(
            f'--fail-{name}',
            metavar='FIGURE=VALUE,...',
            help=f'exit with {LIMIT_BROKEN} if a figure is {what}, as mask_ap=0.3',
        )


def add_report(parser: argparse.ArgumentParser) -> None:
    """Add the report."""
    parser.add_argument(
        '--report',
        type=Path,
        metavar='FILE.html',
        help='also write a page of figures, charts and pictures, and the charts as PNG beside it',
    )


def check_report(arguments: argparse.Namespace) -> None:
    """Refuse a report that is no page, before any work.

    Raises:
        InputError: Its name says so.
    """
    if arguments.report is not None and arguments.report.suffix not in ('.html', '.htm'):
        raise InputError(f'--report must be an .html file, got {str(arguments.report)!r}')


def read_limits(arguments: argparse.Namespace) -> list[Limit]:
    """Return the limits that were asked for.

    Raises:
        InputError: They are not as they must be.
    """
    return [
        *parse_limits(arguments.fail_below, is_least=True),
        *parse_limits(arguments.fail_above, is_least=False),
    ]


def check_limits(limits: list[Limit], figures: Mapping[str, float | None]) -> int:
    """Complain about broken limits and return the exit status."""
    breaches = [breach for limit in limits if (breach := limit.breach(figures))]
    for breach in breaches:
        complain(breach)
    return LIMIT_BROKEN if breaches else 0


def detector_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of ``Detector.load`` but for the score threshold.

    Raises:
        InputError: An option is outside its range.
    """
    from yolact_core.inference.options import DetectorOptions

    given = {name: getattr(arguments, name) for name in DETECTION_OPTIONS}
    DetectorOptions(score_threshold=arguments.score_threshold, **given)  # before any work
    return {**given, **{name: getattr(arguments, name) for name in MODEL_OPTIONS}}


def check_range(arguments: argparse.Namespace) -> None:
    """Refuse a stretch that is none.

    Raises:
        InputError: The end is not after the start.
    """
    start, end = arguments.start, arguments.end
    if start is not None and end is not None and end <= start:
        raise InputError(f'--end must be after --start, got {end:g} and {start:g}')


def make_plan(arguments: argparse.Namespace, bag: Path, **fixed: str) -> EvaluationPlan:
    """Return what is to be evaluated.

    Args:
        arguments: Of ``yolact bag evaluate``.
        bag: Which bag.
        fixed: Options of the model in place of those that were given.

    Raises:
        InputError: An option is outside its range.
    """
    from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan

    options = {**detector_options(arguments), 'config': arguments.config, **fixed}
    contender = (
        Candidate(arguments.results) if arguments.results else Candidate(arguments.model, options)
    )
    return EvaluationPlan(
        bag=bag,
        candidates=(contender,),
        topics=tuple(arguments.topic),
        truth=tuple(arguments.truth),
        score_threshold=arguments.score_threshold,
        every=arguments.every,
        start=arguments.start,
        end=arguments.end,
    )


def name_outputs(arguments: argparse.Namespace) -> list[str]:
    """Return what is written about each image; an overlay is drawn from instances."""
    names = {name.strip() for name in arguments.outputs.split(',')}
    return sorted(names | ({'instances'} if arguments.overlay else set()))


def check_output(output: Path, bag: Path) -> None:
    """Refuse to write into the bag that is read.

    Raises:
        InputError: That was asked for.
    """
    if bag.resolve() in (output.resolve(), *output.resolve().parents):
        raise InputError(f'output must lie outside the bag, got {str(output)!r}')


def check_overlay(path: Path | None) -> None:
    """Refuse a video that could not be written once all the work is done.

    Raises:
        InputError: It would be no mp4 file.
    """
    if path is not None and path.suffix.lower() != '.mp4':
        raise InputError(f'--overlay must be a file that ends in .mp4, got {str(path)!r}')


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'must be seconds of at least 0, got {text!r}')
    return value
