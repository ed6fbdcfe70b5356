"""``yolact evaluate``: average precision and speed on a COCO-format data set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from yolact_core.cli.model_options import ModelOptions
from yolact_core.cli.options import (
    ORIENTATION_HELP,
    argument,
    group,
    option,
    whole_number,
)
from yolact_core.media.image_headers import Orientation
from yolact_core.terminal import progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from rich.table import Table

    from yolact_core.dataset import CocoDataset
    from yolact_core.detector import Detector
    from yolact_core.evaluation import AveragePrecision, Evaluation, EvaluationOptions
    from yolact_core.evaluation.bootstrap import Interval

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
CLASS_COLUMNS = ('objects', 'box AP', 'box AP50', 'mask AP', 'mask AP50')
RESAMPLES = 1000
STAGES = ('preprocess', 'network', 'nms', 'masks')
TIMES = (*STAGES, 'total')


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``yolact evaluate`` can be asked for."""

    dataset: Path = argument('COCO annotations', metavar='DATASET.json')
    images: Path = option('folder of the images', required=True, metavar='DIR')
    orientation: Orientation = option(ORIENTATION_HELP, 'auto')
    model: ModelOptions = group('model')
    protocol: Literal['coco', 'original'] = option(
        "pycocotools on all images, or the rules of the original's own code", 'coco'
    )
    score_threshold: float = option(
        'count what has at least this class score, in [0, 1); figures to publish need 0',
        0.0,
        metavar='SCORE',
    )
    limit: int | None = option(
        'take the first COUNT images only', type=whole_number, metavar='COUNT'
    )
    resamples: int | None = option(
        'how often images are drawn anew for 95 %% intervals; 0 leaves them out (default: '
        f'{RESAMPLES}; 0 with --compare and by the rules of the original)',
        metavar='N',
    )
    compare: str | None = option(
        'evaluate variants side by side: nms, size, threshold', metavar='WHAT,WHAT'
    )
    per_class: bool = option('also list every class', False)
    json: bool = option('write the figures as JSON', False)
    output: Path | None = option('also write the figures to a file', metavar='FILE.json')
    export: Path | None = option(
        "write results files as COCO's test server takes them", metavar='DIR'
    )


def run(options: Options) -> int:
    """Evaluate and show the figures."""
    from yolact_core.dataset import CocoDataset
    from yolact_core.dataset.checking import require_sound
    from yolact_core.evaluation import EvaluationOptions
    from yolact_core.evaluation.evaluation import images_to_evaluate

    resamples = _resamples(options) if options.resamples is None else options.resamples
    rules = EvaluationOptions(options.protocol, options.score_threshold, options.limit, resamples)
    dataset = CocoDataset(options.dataset, options.images, orientation=options.orientation)
    require_sound(dataset, images_to_evaluate(dataset, rules))
    detector = options.model.load(score_threshold=options.score_threshold)
    if options.compare:
        return _compare(options, detector, dataset, rules)
    evaluation = _evaluate(detector, dataset, rules, options.export)
    if options.json:
        say_json(evaluation.to_mapping())
    else:
        say(_describe(evaluation))
        say_table(_summary_table(evaluation))
        if options.per_class:
            say_table(_class_table(evaluation))
    _write(options.output, evaluation.to_mapping())
    return 0


def _resamples(options: Options) -> int:
    """Return how often images are drawn if nobody says so."""
    return 0 if options.compare or options.protocol == 'original' else RESAMPLES


def _evaluate(
    detector: Detector, dataset: CocoDataset, rules: EvaluationOptions, export: Path | None
) -> Evaluation:
    from yolact_core.evaluation import assess, detect_all
    from yolact_core.evaluation.evaluation import images_to_evaluate
    from yolact_core.evaluation.results import write_coco_results

    with progress_bar('images', len(images_to_evaluate(dataset, rules))) as advance:
        found = detect_all(detector, dataset, rules, advance)
    if export:
        write_coco_results(export, found, dataset)
    return assess(found, detector, dataset, rules)


def _compare(
    options: Options, detector: Detector, dataset: CocoDataset, rules: EvaluationOptions
) -> int:
    from rich.table import Table

    from yolact_core.evaluation.comparison import variants

    table = Table('compared', 'value', *AP_COLUMNS, *(f'{stage}, ms' for stage in TIMES))
    records = []
    subjects = tuple((options.compare or '').split(','))
    for variant in variants(subjects, detector, rules, options.model.precision):
        evaluation = _evaluate(variant.detector, dataset, variant.options, None)
        records.append(
            {'compared': variant.subject, 'value': variant.value, **evaluation.to_mapping()}
        )
        precisions = _figure(evaluation.box.ap), _figure(evaluation.mask.ap)
        times = (f'{1000 * getattr(evaluation.timing, stage):.1f}' for stage in TIMES)
        table.add_row(variant.subject, variant.value, *precisions, *times)
    if options.json:
        say_json(records)
    else:
        say(_headline(evaluation))
        say_table(table)
    _write(options.output, records)
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
    if evaluation.options.resamples:
        lines.append(
            f'in brackets: where 95 % of the figures lie if the {evaluation.images} images are '
            f'drawn anew, with replacement, {evaluation.options.resamples} times'
        )
    return '\n'.join(lines)


def _summary_table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table('in percent', 'box', 'mask')
    for title, name in SUMMARY_ROWS:
        table.add_row(title, *(_cell(part, name) for part in (evaluation.box, evaluation.mask)))
    return table


def _cell(part: AveragePrecision, name: str) -> str:
    return _figure(getattr(part, name)) + _bracket(getattr(part.intervals, name, None), 1)


def _class_table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    table = Table('class', *CLASS_COLUMNS)
    for name in evaluation.box.by_class:
        cells = [str(evaluation.objects_by_class[name])]
        for part in (evaluation.box, evaluation.mask):
            interval = part.intervals.ap50_by_class.get(name) if part.intervals else None
            ap50 = _figure(part.ap50_by_class[name]) + _bracket(interval, 0)
            cells += [_figure(part.by_class[name]), ap50]
        table.add_row(name, *cells)
    return table


def _figure(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _bracket(interval: Interval | None, digits: int) -> str:
    return f' ({interval.low:.{digits}f} to {interval.high:.{digits}f})' if interval else ''


def _write(path: Path | None, values: object) -> None:
    from yolact_core.files import replace_when_done

    if path:
        with replace_when_done(path) as unfinished:
            unfinished.write_text(json.dumps(values, indent=2) + '\n')
