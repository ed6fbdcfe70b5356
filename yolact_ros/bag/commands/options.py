"""Options that several actions of ``yolact bag`` share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.cli.model_options import DetectionOptions, ModelOptions
from yolact_core.cli.options import option, whole_number
from yolact_core.errors import BAD_INPUT, InputError
from yolact_core.terminal import complain
from yolact_ros.bag.commands.bag_paths import ChosenBags, find_bags, is_bag

if TYPE_CHECKING:
    from yolact_ros.bag.executors.executor import Executor
    from yolact_ros.bag.io.storage import Loss

LIMIT_BROKEN = 1
BAG = 'a folder, .mcap or .db3 file, or .bag of ROS 1'
BAGS = f'{BAG}; other folders are searched for bags'
TRUTH = (
    'InstanceArray topic in the bag (IMAGES=TOPIC for one of several cameras), or a COCO file '
    'whose images have a stamp (default: none)'
)
TRACKS = (
    'also follow instances from image to image: HOTA, IDF1 and identity switches where the truth '
    'has ids, and how steady tracks are; a bag is then one part'
)
REPORT = 'also write a page of figures, charts and pictures, and the charts as PNG beside it'


class Damages:
    """Complains once about each loss of a bag, and about each failure, on stderr."""

    def __init__(self) -> None:
        self._reported: list[Loss | str] = []

    def __call__(self, damage: Loss | str) -> None:
        """Complain about a loss or a failure, unless that was done before."""
        if damage not in self._reported:
            self._reported.append(damage)
            complain(str(damage))

    @property
    def losses(self) -> list[dict[str, Any]]:
        """All losses as plain values, for JSON."""
        losses = [damage for damage in self._reported if not isinstance(damage, str)]
        return [dataclasses.asdict(loss) for loss in losses]

    @property
    def status(self) -> int:
        """Exit status: what could be read was processed, but something could not."""
        return BAD_INPUT if self._reported else 0


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
        import torch

        from yolact_ros.bag.executors.executor import InProcess
        from yolact_ros.bag.executors.pools import Processes, RayCluster

        executor: Executor
        if not is_shared:
            executor = InProcess()
        elif self.cluster is not None:
            executor = RayCluster(self.cluster, self.workers, gpus=int(needs_gpu))
        else:
            executor = Processes(self.workers or torch.get_num_threads())
        with closing(executor):
            yield executor


@dataclass(frozen=True)
class Limit:
    """A bound of one figure.

    Args:
        name: Name of the figure.
        value: Value that the figure must keep to.
        is_least: Whether the figure must not be below the value; otherwise not above.
    """

    name: str
    value: float
    is_least: bool

    def breach(self, figures: Mapping[str, float | None]) -> str | None:
        """Return in one sentence how the figure is out of bounds, or None if it is not.

        Raises:
            InputError: There is no such figure.
        """
        if self.name not in figures:
            raise InputError(f'figure must be one of {", ".join(figures)}, got {self.name!r}')
        value = figures[self.name]
        wanted = f'{self.name} must be at {"least" if self.is_least else "most"} {self.value:g}'
        if value is None:
            return f'{wanted}, but cannot be told from this bag'
        is_kept = value >= self.value if self.is_least else value <= self.value
        return None if is_kept else f'{wanted}, got {value:g}'


@dataclass(frozen=True, kw_only=True)
class LimitOptions:
    """Limits on figures, for use in continuous integration."""

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
            *_parse_limits(self.fail_below, is_least=True),
            *_parse_limits(self.fail_above, is_least=False),
        ]


def _parse_limits(text: str | None, *, is_least: bool) -> list[Limit]:
    limits = []
    for part in text.split(',') if text else ():
        name, _, value = part.partition('=')
        try:
            limits.append(Limit(name.strip(), float(value), is_least))
        except ValueError:
            raise InputError(
                f'limits must be like mask_ap=0.3,stability=0.9, got {part!r}'
            ) from None
    return limits


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
