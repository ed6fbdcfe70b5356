"""``yolact dataset``: look at a COCO-format data set before training on it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.terminal import progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from rich.table import Table

    from yolact_core.config import ModelConfig
    from yolact_core.dataset.checking import Problem
    from yolact_core.dataset.prior_fit import PriorFit
    from yolact_core.dataset.statistics import DatasetStatistics

    Actions = argparse._SubParsersAction[argparse.ArgumentParser]

HAS_ERRORS = 2
DOUBTED = 0.15  # score below which a model has found nothing
LISTED = 100  # problems, unless all are asked for
SIZE_CLASSES = ('small', 'medium', 'large')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')
    check = actions.add_parser(
        'check',
        help='list what is wrong with a data set; exits 2 if a training would be spoilt',
        description='List what is wrong with a data set.',
    )
    stats = actions.add_parser(
        'stats',
        help='show classes and sizes, and fit priors to them',
        description='Show classes and sizes, and fit priors to them.',
    )
    _add_conversion(actions)
    _add_completion(actions)
    for action in (check, stats):
        action.add_argument('file', type=Path, metavar='FILE', help='COCO annotations (JSON)')
        action.add_argument('--json', action='store_true', help='print JSON')
    check.add_argument(
        '--images', type=Path, required=True, metavar='DIR', help='folder of the images'
    )
    check.add_argument(
        '--all', action='store_true', help=f'list all problems, not just {LISTED} of a kind'
    )
    stats.add_argument('--images', type=Path, metavar='DIR', help='not needed: no image is read')
    stats.add_argument(
        '--config',
        default='yolact_resnet50',
        metavar='NAME_OR_YAML',
        help='whose priors to compare with (default: %(default)s)',
    )
    stats.add_argument(
        '--input-size',
        type=int,
        metavar='PIXELS',
        help="side of the network's input (default: that of the configuration)",
    )


def _add_conversion(actions: Actions) -> None:
    convert = actions.add_parser(
        'convert',
        help='write labelme or YOLO annotations as a COCO file',
        description='Write labelme or YOLO (segmentation) annotations as a COCO file.',
    )
    convert.add_argument('format', choices=('labelme', 'yolo'), help='what is converted')
    convert.add_argument('labels', type=Path, metavar='DIR', help='folder of the annotations')
    convert.add_argument('output', type=Path, metavar='FILE', help='COCO annotations to write')
    convert.add_argument(
        '--images', type=Path, required=True, metavar='DIR', help='folder of the images'
    )
    convert.add_argument(
        '--names', type=Path, metavar='data.yaml', help='names of the classes, for yolo'
    )


def _add_completion(actions: Actions) -> None:
    complete = actions.add_parser(
        'complete',
        help='add what a model finds, so that training on new classes forgets no old ones',
        description='Add what a model finds to annotations of classes that are new to it.',
    )
    complete.add_argument('file', type=Path, metavar='FILE', help='COCO annotations (JSON)')
    complete.add_argument('output', type=Path, metavar='OUTPUT', help='COCO file to write')
    complete.add_argument(
        '--images', type=Path, required=True, metavar='DIR', help='folder of the images'
    )
    complete.add_argument(
        '--model', default='indoor', metavar='NAME_OR_FILE', help='default: %(default)s'
    )
    complete.add_argument(
        '--score-threshold',
        type=float,
        default=0.5,
        metavar='SCORE',
        help='what is found above it is an annotation; above 0.15, something to be ignored '
        '(default: %(default)s)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, describe, convert or complete a data set."""
    actions = {
        'check': _check,
        'stats': _describe,
        'convert': _convert,
        'complete': _complete,
    }
    return actions[arguments.action](arguments)


def _complete(arguments: argparse.Namespace) -> int:
    from yolact_core.dataset import CocoDataset
    from yolact_core.dataset.annotations import read_json
    from yolact_core.dataset.pseudo_labels import complete
    from yolact_core.detector import Detector
    from yolact_core.files import replace_when_done

    dataset = CocoDataset(arguments.file, arguments.images)
    content = read_json(arguments.file)
    detector = Detector.load(arguments.model, backend='torch', score_threshold=DOUBTED)
    with progress_bar('images', len(dataset)) as advance:
        completed = complete(detector, dataset, content, arguments.score_threshold, advance)
    with replace_when_done(arguments.output) as unfinished:
        unfinished.write_text(json.dumps(completed))
    added = completed['annotations'][len(content['annotations']) :]
    ignored = sum(one['iscrowd'] for one in added)
    say(f'{arguments.output}: {len(added) - ignored} annotations added, {ignored} to be ignored')
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from yolact_core.dataset.conversion import convert_to_coco

    convert_to_coco(
        arguments.format, arguments.labels, arguments.images, arguments.output, arguments.names
    )
    say(f'wrote {arguments.output}; "yolact dataset check" tells whether it is sound')
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from yolact_core.dataset.annotations import read_json
    from yolact_core.dataset.checking import check_dataset

    images = len(read_json(arguments.file)['images'])
    with progress_bar('images', images) as advance:
        problems = check_dataset(arguments.file, arguments.images, advance)
    counts = {
        severity: sum(problem.severity == severity for problem in problems)
        for severity in ('error', 'warning')
    }
    if arguments.json:
        say_json({**counts, 'problems': [dataclasses.asdict(problem) for problem in problems]})
    else:
        _list_problems(arguments.file, problems, len(problems) if arguments.all else LISTED)
        say(f'{arguments.file}: {counts["error"]} errors, {counts["warning"]} warnings')
    return HAS_ERRORS if counts['error'] else 0


def _list_problems(file: Path, problems: list[Problem], most: int) -> None:
    for severity in ('error', 'warning'):
        of_kind = [problem for problem in problems if problem.severity == severity]
        for problem in of_kind[:most]:
            say(f'{file}: {problem}')
        if len(of_kind) > most:
            say(f'{file}: {len(of_kind) - most} more of the kind {severity}; --all lists them')


def _describe(arguments: argparse.Namespace) -> int:
    from yolact_core.dataset.annotations import read_annotations
    from yolact_core.dataset.prior_fit import assess_priors, fit_priors, object_boxes
    from yolact_core.dataset.statistics import describe

    config = _read_config(arguments.config)
    input_size = arguments.input_size or config.input_size
    annotations = read_annotations(arguments.file)
    statistics, boxes = describe(annotations), object_boxes(annotations)
    current = assess_priors(boxes, config.anchors, input_size)
    fitted = fit_priors(boxes, config.anchors, input_size)
    if arguments.json:
        say_json(
            {
                **dataclasses.asdict(statistics),
                'input_size': input_size,
                'current_priors': dataclasses.asdict(current),
                'fitted_priors': dataclasses.asdict(fitted),
            }
        )
        return 0
    say(_summary(statistics))
    say_table(_class_table(statistics))
    say(_compare_priors(config.name, input_size, current, fitted))
    return 0


def _read_config(name: str) -> ModelConfig:
    from yolact_core.config import ModelConfig

    if Path(name).suffix in ('.yaml', '.yml'):
        return ModelConfig.from_file(name)
    return ModelConfig.from_name(name)


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
