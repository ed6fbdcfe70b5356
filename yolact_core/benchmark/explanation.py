"""Why ``auto`` runs a model as it does, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yolact_core.checkpoints.checkpoint import load_network, read_losses
from yolact_core.runtimes.auto import MOST_LOST, NATIVE, Question, objection
from yolact_core.runtimes.choices import Choice, Measured, Median
from yolact_core.runtimes.fastest import ALIKE
from yolact_core.runtimes.model_loading import DEFAULT_BACKEND, choose_backend, offer_int8
from yolact_core.runtimes.registry import runtime_of_file
from yolact_core.runtimes.torch import resolve_device, resolve_precision

COLUMNS = ('backend', 'precision', 'ms', 'times slower', 'rounds', '')


@dataclass(frozen=True)
class Explanation:
    """What is said about one model.

    Args:
        headline: What runs it.
        rows: Cells under ``COLUMNS`` for each candidate that was measured.
        remarks: How that came about and how it can be changed, a sentence or two each.
    """

    headline: str
    rows: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()


def explain(source: str, device: str = 'auto', precision: str = 'auto') -> Explanation:
    """Say what ``auto`` chooses for a model here; what was not measured yet is measured now.

    Args:
        source: Model as ``Detector.load`` takes it.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        precision: Precision that is asked for, or ``auto``.

    Raises:
        InputError: The model cannot be found or read, or there is no such device.
    """
    if (runtime := runtime_of_file(Path(source))) is not None:
        return Explanation(f'{source} is an exported file, which {runtime.name} runs.')
    where = resolve_device(device)
    if where.type == 'cuda':
        on_gpu = resolve_precision(precision, where)
        return Explanation(
            f'On {where} auto is torch in {on_gpu}: engines and compiled networks are built only '
            'on request, and nothing is measured.'
        )
    losses = read_losses(source)
    question, choice, _ = choose_backend(load_network(source), precision, losses)
    taken = choice.candidate
    return Explanation(
        f'auto runs {question.name} with {taken.backend} in {taken.precision}.',
        tuple(_cells(one, choice) for one in choice.measured),
        (
            *_remarks(question, choice, losses if precision == 'auto' else None),
            *_say_offer(offer_int8(source, losses)),
        ),
    )


def _say_offer(offer: str) -> tuple[str, ...]:
    return (f'int8 is never taken by itself: {offer}.',) if offer else ()


def _cells(one: Measured, choice: Choice) -> tuple[str, ...]:
    return (
        *one.candidate,
        _show(one.milliseconds, 1),
        _show(one.times_slower, 2),
        str(one.rounds),
        _verdict(one, choice),
    )


def _show(median: Median, digits: int) -> str:
    value, low, high = (f'{part:.{digits}f}' for part in median)
    return value if low == high else f'{value} ({low} to {high})'


def _verdict(one: Measured, choice: Choice) -> str:
    if one.candidate == choice.candidate:
        return 'taken'
    if one.times_slower.high <= ALIKE:
        return f'alike, but {choice.candidate} goes first'
    return 'slower'


def _remarks(question: Question, choice: Choice, losses: dict[str, float] | None) -> Iterator[str]:
    facts = question.facts
    if choice.measured:
        yield (
            "Milliseconds are from an image of 640x480 to the network's outputs: the median, in "
            'brackets where the true one lies in 95 of 100 cases. All took their turn in each '
            'round; what was surely slower dropped out. Who is surely less than '
            f'{ALIKE - 1:.0%} slower than the fastest counts as alike; then the order is '
            f'{", ".join(map(str, question.candidates))}.'
        )
    elif len(question.candidates) > 1:
        yield 'Nothing was measured: other processes keep the cores busy. Try again without them.'
    else:
        yield 'Nothing was measured: nothing else that is installed can run it.'
    for precision in NATIVE if losses is not None else ():
        yield _about_precision(precision, losses or {})
    yield _about_machine(facts)
    yield f'Other processes used {choice.others:.1f} of {facts["cores"]} cores meanwhile.'
    if question.record.is_file():
        yield (
            f'The choice is kept in {question.record}. It is measured anew when the model, one of '
            'the things above or a version changes, or when that file is deleted.'
        )
    elif choice.measured:
        yield 'The choice is not kept: it is measured again when the model is loaded.'
    yield (
        'To decide yourself: --backend NAME --precision NAME, model.backend and model.precision '
        f'of the node, or {DEFAULT_BACKEND}=NAME in the environment for all that is not told.'
    )
    if name := os.environ.get(DEFAULT_BACKEND):
        yield f'At present {DEFAULT_BACKEND}={name} stands for auto, so that this choice rests.'


def _about_precision(precision: str, losses: dict[str, float]) -> str:
    reason = objection(precision, losses)
    if reason:
        return f'{precision} takes no part: {reason}.'
    return (
        f'{precision} takes part: this CPU has it natively, and the model loses '
        f'{losses[precision]} points of mask AP by it, less than {MOST_LOST}.'
    )


def _about_machine(facts: dict[str, Any]) -> str:
    waiting = ', '.join(f'{name} {value or "not set"}' for name, value in facts['waiting'].items())
    versions = ', '.join(f'{name} {one}' for name, one in facts['versions'].items() if one)
    return f'{facts["cpu"]}, {facts["threads"]} threads; {waiting}; {versions}.'
