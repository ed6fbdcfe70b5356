"""What each change of the renderings gave: differences in AP50 on the same pictures.

Pictures are drawn anew for all models alike, so that what is hard or easy about them leaves the
differences. Chance in training stays: a second training of the same frames shows how much it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yolact_core.cli.options import argument, option
from yolact_core.dataset import CocoDataset
from yolact_core.detector import Detector
from yolact_core.evaluation import EvaluationOptions
from yolact_core.evaluation.bootstrap import draw_weights, interval_of
from yolact_core.evaluation.evaluation import detect_all
from yolact_core.evaluation.matches import Kind, match_image
from yolact_core.evaluation.precision import STEPS, precision_of_matches
from yolact_core.evaluation.weighted import WeightedPrecision, mean_of_defined
from yolact_core.terminal import say

RESAMPLES = 1000
KINDS: dict[str, Kind] = {'box': 'bbox', 'mask': 'segm'}

Drawn = dict[str, list[float]]  # AP50 in percent, then that of each resample, by set and kind


@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """Options of the step ``measure``."""

    model: Path = argument('trained checkpoint')
    output: Path = argument('JSON file to write')
    annotations: tuple[Path, ...] = option('COCO files', nargs='+', required=True)
    images: tuple[Path, ...] = option('folder of the images of each', nargs='+', required=True)
    names: tuple[str, ...] = option('name of each in tables', nargs='+', required=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the step ``changes``."""

    figures: tuple[Path, ...] = argument(
        'what the step measure wrote for each variant; all are compared with the first', nargs='+'
    )


def run_measure(options: MeasureOptions) -> None:
    """Measure AP50 of a model on several data sets, and on pictures of these that are drawn."""
    detector = Detector.load(options.model, backend='torch')
    drawn: Drawn = {}
    datasets = map(CocoDataset, options.annotations, options.images)
    for name, dataset in zip(options.names, datasets, strict=True):
        for kind, values in measure(detector, dataset):
            drawn[f'{name}: {kind} AP50'] = values
    options.output.write_text(json.dumps(drawn))
    say(f'{options.output}: ' + ', '.join(f'{key} {one[0]:.1f}' for key, one in drawn.items()))


def measure(detector: Detector, dataset: CocoDataset) -> Iterator[tuple[str, list[float]]]:
    """Yield AP50 of boxes and of masks, each followed by that of every resample."""
    found = detect_all(detector, dataset, EvaluationOptions())
    weights = np.stack(list(draw_weights(len(found.images), RESAMPLES)))
    names = found.class_names
    for name, kind in KINDS.items():
        pairs = zip(found.truths, found.results, strict=True)
        matches = [match_image(truth, result, kind) for truth, result in pairs]
        by_class = WeightedPrecision(matches, len(names)).by_class(weights)[..., STEPS[50]]
        figure = precision_of_matches(matches, names, kind).ap50
        yield name, [figure or 0.0, *(100 * mean_of_defined(by_class, axis=(1,))).tolist()]


def run(options: Options) -> None:
    """Say what each change of the renderings gave."""
    say(table_of_changes({one.stem: json.loads(one.read_text()) for one in options.figures}))


def table_of_changes(variants: dict[str, Drawn]) -> str:
    """Return the figures of the first variant, and the differences of the others, as Markdown.

    In brackets: where 95 % lie if pictures are drawn anew. Bold are differences beyond chance.

    Args:
        variants: Figures of each variant.
    """
    (first, plain), *others = variants.items()
    cells = [_cell(values, '.1f') for values in plain.values()]
    rows = [['frames', *plain], ['---'] * (len(plain) + 1), [first, *cells]]
    for name, figures in others:
        differences = [np.subtract(figures[key], plain[key]).tolist() for key in plain]
        rows.append([name, *(_cell(values, '+.1f') for values in differences)])
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _cell(values: list[float], form: str) -> str:
    """Return a figure with the interval of its resamples, bold where that leaves zero out."""
    interval = interval_of(values[1:])
    if interval is None:
        return f'{values[0]:{form}}'
    is_sure = '+' in form and not interval.low <= 0 <= interval.high
    value = f'**{values[0]:{form}}**' if is_sure else f'{values[0]:{form}}'
    return f'{value} ({interval.low:{form}} to {interval.high:{form}})'
