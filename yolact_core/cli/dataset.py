"""``yolact dataset``: look at a COCO-format data set before training on it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yolact_core.cli.model_options import SHIPPED_DEFAULT
from yolact_core.cli.options import ORIENTATION_HELP, Action, argument, option
from yolact_core.errors import BAD_INPUT, SAYS_NO
from yolact_core.media.image_headers import Orientation
from yolact_core.terminal import complain, progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from rich.table import Table

    from yolact_core.dataset.problems import Problem
    from yolact_core.dataset.statistics import DatasetStatistics, PriorFit

DOUBTED = 0.15  # score below which a model has found nothing
LISTED = 100  # problems, unless all are asked for
DEPTHS = {
    True: 'every picture was decoded',
    False: 'of each picture the header was read, and the end if it is JPEG, PNG or WebP; '
    '--deep decodes them',
}
SIZE_CLASSES = ('small', 'medium', 'large')


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What ``yolact dataset check`` can be asked for."""

    file: Path = argument('COCO annotations (JSON)', metavar='FILE')
    json: bool = option('print JSON', False)
    images: Path = option('folder of the images', required=True, metavar='DIR')
    deep: bool = option('decode every picture wholly, not just read its header and end', False)
    orientation: Orientation = option(ORIENTATION_HELP, 'auto')
    all: bool = option(f'list all problems, not just {LISTED} of a kind', False)


@dataclass(frozen=True, kw_only=True)
class StatsOptions:
    """What ``yolact dataset stats`` can be asked for."""

    file: Path = argument('COCO annotations (JSON)', metavar='FILE')
    json: bool = option('print JSON', False)
    images: Path | None = option('not needed: no image is read', metavar='DIR')
    config: str = option('whose priors to compare with', 'yolact_resnet50', metavar='NAME_OR_YAML')
    input_size: int | None = option(
        "side of the network's input (default: that of the configuration)", metavar='PIXELS'
    )


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """What ``yolact dataset convert`` can be asked for."""

    format: Literal['labelme', 'yolo'] = argument('what is converted')
    labels: Path = argument('folder of the annotations', metavar='DIR')
    output: Path = argument('COCO annotations to write', metavar='FILE')
    images: Path = option('folder of the images', required=True, metavar='DIR')
    names: Path | None = option('names of the classes, for yolo', metavar='data.yaml')


@dataclass(frozen=True, kw_only=True)
class CompleteOptions:
    """What ``yolact dataset complete`` can be asked for."""

    file: Path = argument('COCO annotations (JSON)', metavar='FILE')
    output: Path = argument('COCO file to write', metavar='OUTPUT')
    images: Path = option('folder of the images', required=True, metavar='DIR')
    orientation: Orientation = option(ORIENTATION_HELP, 'auto')
    model: str = option('default: %(default)s', SHIPPED_DEFAULT, metavar='NAME_OR_FILE')
    score_threshold: float = option(
        'what is found above it is an annotation; above 0.15, something to be ignored',
        0.5,
        metavar='SCORE',
    )


def check(options: CheckOptions) -> int:
    """List what is wrong with a data set.

    Returns:
        0, or 1 if a training would refuse it.
    """
    from yolact_core.dataset.checking import check_dataset

    problems = check_dataset(
        options.file,
        options.images,
        options.orientation,
        options.deep,
        partial(progress_bar, 'images'),
    )
    counts = {
        severity: sum(problem.severity == severity for problem in problems)
        for severity in ('error', 'warning')
    }
    if options.json:
        found = [problem.to_mapping() for problem in problems]
        say_json({**counts, 'deep': options.deep, 'problems': found})
    else:
        _list_problems(options.file, problems, len(problems) if options.all else LISTED)
        say(DEPTHS[options.deep])
        say(f'{options.file}: {counts["error"]} errors, {counts["warning"]} warnings')
    return SAYS_NO if counts['error'] else 0


def _list_problems(file: Path, problems: list[Problem], most: int) -> None:
    for severity in ('error', 'warning'):
        of_kind = [problem for problem in problems if problem.severity == severity]
        for problem in of_kind[:most]:
            say(f'{file}: {problem}')
        if len(of_kind) > most:
            say(f'{file}: {len(of_kind) - most} more of the kind {severity}; --all lists them')


def show_statistics(options: StatsOptions) -> int:
    """Show classes and sizes, and fit priors to them."""
    from yolact_core.config import ModelConfig
    from yolact_core.dataset.annotations import read_annotations
    from yolact_core.dataset.statistics import assess_priors, describe, fit_priors, object_boxes

    config = ModelConfig.from_source(options.config)
    input_size = options.input_size or config.input_size
    annotations = read_annotations(options.file)
    statistics, boxes = describe(annotations), object_boxes(annotations)
    current = fitted = None
    if config.box_coding == 'offsets':
        current = assess_priors(boxes, config.anchors, input_size)
        fitted = fit_priors(boxes, config.anchors, input_size)
    if options.json:
        say_json(
            {
                **dataclasses.asdict(statistics),
                'input_size': input_size,
                'current_priors': current and dataclasses.asdict(current),
                'fitted_priors': fitted and dataclasses.asdict(fitted),
            }
        )
        return 0
    say(_summary(statistics))
    say_table(_class_table(statistics))
    if current and fitted:
        say(_compare_priors(config.name, input_size, current, fitted))
    else:
        say(
            f'{config.name} predicts distances from the centre of each cell to the sides of its '
            'object: it has no priors to fit'
        )
    return 0


def _summary(statistics: DatasetStatistics) -> str:
    least, mean, most = statistics.objects_per_image
    smallest, middle, largest = (f'{width} x {height}' for height, width in statistics.image_sizes)
    return (
        f'{statistics.images} images, {statistics.empty_images} of them without objects\n'
        f'width x height in pixels: from {smallest} to {largest}, {middle} in the middle\n'
        f'objects per image: {least} at least, {mean:.1f} on average, {most} at most'
    )


def _class_table(statistics: DatasetStatistics) -> Table:
    from rich.table import Table

    table = Table('class', 'objects', 'images', 'crowds', *SIZE_CLASSES)
    for entry in statistics.classes:
        counts = (entry.objects, entry.images, entry.crowds, *entry.sizes)
        table.add_row(entry.name, *map(str, counts))
    return table


def _compare_priors(name: str, input_size: int, current: PriorFit, fitted: PriorFit) -> str:
    return '\n'.join(
        [
            f'objects that a prior overlaps with IoU 0.5 or more, at input size {input_size}:',
            f'  {name}: {100 * current.recall:.1f} %, mean IoU {current.mean_iou:.3f}',
            f'  fitted: {100 * fitted.recall:.1f} %, mean IoU {fitted.mean_iou:.3f}',
            'the fitted priors, for a configuration file:',
            'anchors:',
            '  scales:',
            *(f'    - {list(level)}' for level in fitted.anchors.scales),
            f'  aspect_ratios: {list(fitted.anchors.aspect_ratios)}',
        ]
    )


def convert(options: ConvertOptions) -> int:
    """Write annotations of another tool as a COCO file.

    Returns:
        0, or 2 if a file could not be converted.
    """
    from yolact_core.dataset.conversion import convert_to_coco

    done = convert_to_coco(
        options.format, options.labels, options.images, options.output, options.names
    )
    for fault in done.faults:
        complain(fault)
    for reason, count in done.left_out.items():
        say(f'{count} outlines left out: {reason}')
    skipped = f'; {len(done.faults)} files could not be converted' if done.faults else ''
    say(f'{options.output}: {done.images} images, {done.objects} objects{skipped}')
    say('"yolact dataset check" tells whether it is sound')
    return BAD_INPUT if done.faults else 0


def complete(options: CompleteOptions) -> int:
    """Add what a model finds to a data set."""
    from yolact_core.dataset import CocoDataset
    from yolact_core.dataset.annotations import read_json
    from yolact_core.dataset.checking import require_sound
    from yolact_core.dataset.coco_export import add_pseudo_labels
    from yolact_core.detector import Detector
    from yolact_core.files import replace_when_done

    dataset = CocoDataset(options.file, options.images, orientation=options.orientation)
    require_sound(dataset, needs_objects=False)
    content = read_json(options.file)
    detector = Detector.load(options.model, backend='torch', score_threshold=DOUBTED)
    with progress_bar('images', len(dataset)) as advance:
        completed = add_pseudo_labels(detector, dataset, content, options.score_threshold, advance)
    with replace_when_done(options.output) as unfinished:
        unfinished.write_text(json.dumps(completed))
    added = completed['annotations'][len(content['annotations']) :]
    ignored = sum(one['iscrowd'] for one in added)
    say(f'{options.output}: {len(added) - ignored} annotations added, {ignored} to be ignored')
    return 0


ACTIONS = (
    Action(
        'check',
        CheckOptions,
        check,
        'list what is wrong with a data set; exits 1 if a training would refuse it',
        'List what is wrong with a data set.',
    ),
    Action(
        'stats', StatsOptions, show_statistics, 'show classes and sizes, and fit priors to them'
    ),
    Action(
        'convert',
        ConvertOptions,
        convert,
        'write labelme or YOLO annotations as a COCO file',
        'Write labelme or YOLO (segmentation) annotations as a COCO file.',
    ),
    Action(
        'complete',
        CompleteOptions,
        complete,
        'add what a model finds, so that training on new classes forgets no old ones',
        'Add what a model finds to annotations of classes that are new to it.',
    ),
)
