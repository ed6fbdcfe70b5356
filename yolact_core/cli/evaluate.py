"""``yolact evaluate``: average precision and speed on a COCO-format data set."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.cli.model_options import add_model_options, load_detector
from yolact_core.cli.options import whole_number
from yolact_core.terminal import progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from rich.table import Table

    from yolact_core.dataset import CocoDataset
    from yolact_core.detector import Detector
    from yolact_core.evaluation import AveragePrecision, Evaluation, EvaluationOptions
    from yolact_core.timing import Timing

SUMMARY_ROWS = (
    ('AP', 'ap'),
    ('AP50', 'ap50'),
    ('AP75', 'ap75'),
    ('AP95', 'ap95'),
    ('AP small', 'small'),
    ('AP medium', 'medium'),
    ('AP large', 'large'),
    ('AR, 1 detection', 'recall_1'),
    ('AR, 10 detections', 'recall_10'),
    ('AR, 100 detections', 'recall_100'),
)
AP_COLUMNS = ('box AP', 'mask AP')
STAGES = ('preprocess', 'network', 'nms', 'masks')
TIMES = (*STAGES, 'total')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument('dataset', type=Path, metavar='DATASET.json', help='COCO annotations')
    parser.add_argument(
        '--images', type=Path, required=True, metavar='DIR', help='folder of the images'
    )
    add_model_options(parser)
    parser.add_argument(
        '--protocol',
        choices=('coco', 'original'),
        default='coco',
        help="pycocotools on all images, or the rules of the original's own code",
    )
    parser.add_argument(
        '--score-threshold',
        type=float,
        default=0.0,
        metavar='SCORE',
        help='count what has at least this class score, in [0, 1); figures to publish need 0',
    )
    parser.add_argument(
        '--limit', type=whole_number, metavar='COUNT', help='take the first COUNT images only'
    )
    parser.add_argument(
        '--compare',
        metavar='WHAT,WHAT',
        help='evaluate variants side by side: nms, size, threshold',
    )
    parser.add_argument('--per-class', action='store_true', help='also list every class')
    parser.add_argument('--json', action='store_true', help='write the figures as JSON')
    parser.add_argument(
        '--output', type=Path, metavar='FILE.json', help='also write the figures to a file'
    )
    parser.add_argument(
        '--export',
        type=Path,
        metavar='DIR',
        help="write results files as COCO's test server takes them",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and show the figures."""
    from yolact_core.dataset import CocoDataset
    from yolact_core.evaluation import EvaluationOptions

    options = EvaluationOptions(arguments.protocol, arguments.score_threshold, arguments.limit)
    dataset = CocoDataset(arguments.dataset, arguments.images)
    detector = load_detector(arguments, score_threshold=arguments.score_threshold)
    if arguments.compare:
        return _compare(arguments, detector, dataset, options)
    evaluation = _evaluate(detector, dataset, options, arguments.export)
    _write(arguments.output, evaluation.to_mapping())
    if arguments.json:
        say_json(evaluation.to_mapping())
        return 0
    say(_describe(evaluation))
    say_table(_summary_table(evaluation))
    if arguments.per_class:
        say_table(_class_table(evaluation))
    return 0


def _evaluate(
    detector: Detector, dataset: CocoDataset, options: EvaluationOptions, export: Path | None
) -> Evaluation:
    from yolact_core.evaluation import assess, detect_all
    from yolact_core.evaluation.evaluation import images_to_evaluate
    from yolact_core.evaluation.export import write_coco_results

    with progress_bar('images', len(images_to_evaluate(dataset, options))) as advance:
        findings = detect_all(detector, dataset, options, advance)
    if export:
        write_coco_results(export, findings, dataset)
    return assess(findings, detector, dataset, options)


def _compare(
    arguments: argparse.Namespace,
    detector: Detector,
    dataset: CocoDataset,
    options: EvaluationOptions,
) -> int:
    from rich.table import Table

    from yolact_core.evaluation.comparison import variants

    table = Table('compared', 'value', *AP_COLUMNS, *(f'{stage}, ms' for stage in TIMES))
    records = []
    subjects = tuple(arguments.compare.split(','))
    for variant in variants(subjects, detector, options, arguments.precision):
        evaluation = _evaluate(variant.detector, dataset, variant.options, None)
        records.append(
            {'compared': variant.subject, 'value': variant.value, **evaluation.to_mapping()}
        )
        precisions = _figure(evaluation.box.ap), _figure(evaluation.mask.ap)
        table.add_row(variant.subject, variant.value, *precisions, *_times(evaluation.timing))
    _write(arguments.output, records)
    if arguments.json:
        say_json(records)
    else:
        say(_headline(evaluation))
        say_table(table)
    return 0


def _headline(evaluation: Evaluation) -> str:
    return (
        f'{evaluation.model} on {evaluation.dataset}: {evaluation.images} images, '
        f'{evaluation.objects} objects, protocol {evaluation.options.protocol}'
    )


def _describe(evaluation: Evaluation) -> str:
    """Return what was measured, in a few lines."""
    conditions = evaluation.detector
    lines = [
        _headline(evaluation),
        f'input {conditions["input_size"]}, {conditions["backend"]} in {conditions["precision"]}, '
        f'{conditions["nms"]} NMS at IoU '
        f'{conditions["iou_threshold"]}, candidates above {conditions["candidate_threshold"]}, '
        f'scores above {conditions["score_threshold"]}, '
        f'at most {conditions["max_detections"]} detections',
        f'{1000 * evaluation.timing.total:.1f} ms per image: '
        + ', '.join(f'{stage} {1000 * getattr(evaluation.timing, stage):.1f}' for stage in STAGES),
    ]
    if evaluation.unknown_classes:
        lines.append(f'not known to the model, left out: {", ".join(evaluation.unknown_classes)}')
    return '\n'.join(lines)


def _summary_table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table('in percent', 'box', 'mask')
    for title, name in SUMMARY_ROWS:
        values = (getattr(part, name) for part in (evaluation.box, evaluation.mask))
        table.add_row(title, *map(_figure, values))
    return table


def _class_table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table('class', *AP_COLUMNS)
    for name in evaluation.box.by_class:
        parts: tuple[AveragePrecision, ...] = (evaluation.box, evaluation.mask)
        table.add_row(name, *(_figure(part.by_class[name]) for part in parts))
    return table


def _times(timing: Timing) -> list[str]:
    return [f'{1000 * getattr(timing, stage):.1f}' for stage in TIMES]


def _figure(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _write(path: Path | None, values: object) -> None:
    from yolact_core.files import replace_when_done

    if path:
        with replace_when_done(path) as unfinished:
            unfinished.write_text(json.dumps(values, indent=2) + '\n')
