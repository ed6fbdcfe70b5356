"""Options that several actions of ``yolact bag`` share."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import option, whole_number
from yolact_core.errors import BAD_INPUT, InputError
from yolact_core.terminal import complain
from yolact_ros.bag.commands.bag_paths import ChosenBags, find_bags, is_bag
from yolact_ros.bag.commands.limits import Limit, parse_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_ros.bag.evaluate.plan import Candidate, EvaluationPlan
    from yolact_ros.bag.executors.executor import Executor

LIMIT_BROKEN = 1
BAG = 'a folder, .mcap or .db3 file, or .bag of ROS 1'
BAGS = f'{BAG}; other folders are searched for bags'
TRUTH = (
    'InstanceArray topic in the bag (IMAGES=TOPIC for one of several cameras), or a COCO file '
    'whose images have a stamp (default: none)'
)
REPORT = 'also write a page of figures, charts and pictures, and the charts as PNG beside it'


class Damages:
    """Complains about each damage of a bag once, on stderr."""

    def __init__(self) -> None:
        self._reported: list[str] = []

    def __call__(self, sentence: str) -> None:
        """Complain about a damage, unless that was done before."""
        if sentence not in self._reported:
            self._reported.append(sentence)
            complain(sentence)

    @property
    def status(self) -> int:
        """Exit status: what could be read was processed, but something could not."""
        return BAD_INPUT if self._reported else 0


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float('inf'):
        raise argparse.ArgumentTypeError(f'must be seconds of at least 0, got {text!r}')
    return value


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Options that say which images are taken."""

    topic: tuple[str, ...] = option(
        'a topic of images, may be repeated (default: all)', (), metavar='TOPIC'
    )
    every: int = option('take every N-th image', 1, metavar='N', type=whole_number)
    start: float | None = option(
        'begin S seconds after the first message', metavar='S', type=_seconds
    )
    end: float | None = option('end S seconds after the first message', metavar='S', type=_seconds)

    def __post_init__(self) -> None:
        """Refuse a stretch that ends before it begins."""
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise InputError(f'--end must be after --start, got {self.end:g} and {self.start:g}')


@dataclass(frozen=True, kw_only=True)
class SharingOptions:
    """Options of many bags, many processes and many machines."""

    list: Path | None = option('a file that lists bags, one a line', metavar='FILE')
    workers: int | None = option(
        'share the work between N processes of one thread each (default: one process with all '
        'threads for one bag, a process for each core for many)',
        metavar='N',
        type=whole_number,
    )
    cluster: str | None = option(
        'share the work on a Ray cluster: its address, auto, or local for a new one here',
        metavar='ADDRESS',
    )
    part_images: int = option(
        'share it in parts of N images, which are done again if a worker fails',
        100,
        metavar='N',
        type=whole_number,
    )

    def choose(self, paths: tuple[Path, ...]) -> ChosenBags:
        """Return the bags that were asked for.

        Args:
            paths: Paths of bags and of folders of bags.

        Raises:
            InputError: None is named, or the list cannot be read.
        """
        bags = find_bags(paths, self.list)
        is_single = len(paths) == 1 and self.list is None and is_bag(paths[0])
        is_asked = self.workers is not None or self.cluster is not None
        return ChosenBags(bags, is_single, is_asked or not is_single)

    @contextmanager
    def open_executor(self, *, is_shared: bool, needs_gpu: bool) -> Iterator[Executor]:
        """Give the executor that does the work.

        Args:
            is_shared: Whether the work goes to other processes.
            needs_gpu: Whether each job on a cluster takes a GPU.

        Raises:
            InputError: There is no such cluster.
        """
        with closing(self._make_executor(is_shared, needs_gpu)) as executor:
            yield executor

    def _make_executor(self, is_shared: bool, needs_gpu: bool) -> Executor:
        import torch

        from yolact_ros.bag.executors.executor import InProcess
        from yolact_ros.bag.executors.pools import Processes, RayCluster

        if not is_shared:
            return InProcess()
        if self.cluster is not None:
            return RayCluster(self.cluster, self.workers, gpus=int(needs_gpu))
        return Processes(self.workers or torch.get_num_threads())


@dataclass(frozen=True, kw_only=True)
class LimitOptions:
    """Limits on figures."""

    fail_below: str | None = option(
        f'exit with {LIMIT_BROKEN} if a figure is lower, as mask_ap=0.3',
        metavar='FIGURE=VALUE,...',
    )
    fail_above: str | None = option(
        f'exit with {LIMIT_BROKEN} if a figure is higher, as mask_ap=0.3',
        metavar='FIGURE=VALUE,...',
    )

    def parse(self) -> list[Limit]:
        """Return the limits that were asked for.

        Raises:
            InputError: They are malformed.
        """
        return [
            *parse_limits(self.fail_below, is_least=True),
            *parse_limits(self.fail_above, is_least=False),
        ]


def check_limits(limits: list[Limit], figures: Mapping[str, float | None]) -> int:
    """Complain about broken limits and return the exit status."""
    breaches = [breach for limit in limits if (breach := limit.breach(figures))]
    for breach in breaches:
        complain(breach)
    return LIMIT_BROKEN if breaches else 0


def check_report(path: Path | None) -> None:
    """Refuse a report that is no page or cannot be drawn, before any work.

    Raises:
        InputError: Its name says that it is no page, or a package is missing.
    """
    if path is None:
        return
    if path.suffix not in ('.html', '.htm'):
        raise InputError(f'--report must be an .html file, got {str(path)!r}')
    from yolact_ros.bag.report.report import require_packages

    require_packages()


def detector_options(model: ModelOptions, detection: DetectionOptions) -> dict[str, Any]:
    """Return the options of ``Detector.load``, but for the model and the score threshold.

    Raises:
        InputError: An option is outside its range.
    """
    from yolact_core.inference.options import DetectorOptions

    given = dataclasses.asdict(detection)
    DetectorOptions(**given)  # before any work
    options = {**given, **dataclasses.asdict(model)}
    del options['score_threshold'], options['model']
    return options


def make_plan(
    bag: Path,
    candidates: tuple[Candidate, ...],
    selection: SelectionOptions,
    truth: tuple[str, ...],
    score_threshold: float,
) -> EvaluationPlan:
    """Return what is to be evaluated of a bag.

    Args:
        bag: Path of the bag.
        candidates: Models or recorded results to evaluate.
        selection: Images that are taken.
        truth: A topic, ``IMAGES=TOPIC`` pairs, or a COCO file; empty means none.
        score_threshold: Detections that score above it count as found.
    """
    from yolact_ros.bag.evaluate.plan import EvaluationPlan

    return EvaluationPlan(
        bag=bag,
        candidates=candidates,
        topics=selection.topic,
        truth=truth,
        score_threshold=score_threshold,
        every=selection.every,
        start=selection.start,
        end=selection.end,
    )
