"""How exact the models are that were measured, from where that is written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from yolact_core.benchmark.report import Report, Result
from yolact_core.checkpoints.checkpoint import hash_weights, load_checkpoint
from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, shipped_models
from yolact_core.detector import ID_DIGITS
from yolact_core.errors import InputError

EXACT = 'float32'  # in which all backends give the same results
BEST_FIRST = ('test', 'best', 'last')  # of the figures that training writes down

Known = dict[tuple[str, str, str], float]  # by model, backend ('' where all agree), precision


def read_accuracy(evaluations: Sequence[Path], models: Sequence[str]) -> Known:
    """Return the mask AP of all models that it is written down of, in percent.

    Args:
        evaluations: Files that ``yolact evaluate --output`` wrote.
        models: Names and paths. Checkpoints of ours know how good they were after training, and
            how good the official ones are was published.

    Raises:
        InputError: A file cannot be read.
    """
    known: Known = {}
    for model in models:
        if model in OFFICIAL_MODELS:
            known[model, '', EXACT] = OFFICIAL_MODELS[model].mask_ap
        elif (path := shipped_models().get(model, Path(model))).suffix == '.safetensors':
            known |= _of_checkpoint(path)
    for file in evaluations:
        known |= _of_evaluation(file)
    return known


def add_accuracy(report: Report, known: Known) -> Report:
    """Return a report that also tells the mask AP of what was measured, where it is known."""
    results = tuple(replace(result, mask_ap=_find(known, result)) for result in report.results)
    return replace(report, results=results)


def _find(known: Known, result: Result) -> float | None:
    if result.precision != EXACT:
        return known.get((result.model_id, result.backend, result.precision))
    by_name = known.get((result.model_id.partition('@')[0], '', EXACT))
    return known.get((result.model_id, '', EXACT), by_name)


def _of_checkpoint(path: Path) -> Known:
    network, facts = load_checkpoint(path)
    figures = next((facts.training[key] for key in BEST_FIRST if key in facts.training), None)
    if figures is None:
        return {}
    model_id = f'{network.config.name}@{hash_weights(network)[:ID_DIGITS]}'
    return {(model_id, '', EXACT): figures['mask_ap']}


def _of_evaluation(path: Path) -> Known:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        conditions, mask_ap = values['detector'], values['precisions']['mask']['ap']
        precision = conditions.get('precision', EXACT)
        backend = '' if precision == EXACT else conditions['backend']
        return {(values['model'], backend, precision): mask_ap}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f'{path} must be a file that "yolact evaluate --output" wrote: {error}'
        ) from error
