"""What ``auto`` stands for on a CPU: the fastest of what is installed, measured once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.cores import CoreMeter, has_fast_bfloat16, read_cpu
from yolact_core.errors import InputError
from yolact_core.runtimes import Backend
from yolact_core.runtimes.choices import (
    Candidate,
    Choice,
    model_key,
    recall,
    record_of,
    remember,
    situation,
)
from yolact_core.runtimes.fastest import measure_in_turn, pick
from yolact_core.runtimes.registry import RUNTIMES, Runtime

if TYPE_CHECKING:
    from yolact_core.network import Yolact

PLAIN = 'float32'
NATIVE = {'bfloat16': {'avx512_bf16', 'amx_bf16'}}  # what a CPU must have, any of it
MOST_LOST = 0.2  # points of mask AP
WATCHED = 0.3  # seconds
FREE = 0.9  # share of the cores asked for that others must leave alone
logger = logging.getLogger(__name__)

Build = Callable[[Candidate], Backend]


@dataclass(frozen=True)
class Question:
    """Which candidate shall run a model here?

    Args:
        name: Name of the model.
        candidates: All that can run it. Where speed is alike the first one wins: the order is
            that of the table of runtimes, PyTorch last, all in float32 before what loses anything.
        facts: All that the answer depends on.
    """

    name: str
    candidates: tuple[Candidate, ...]
    facts: dict[str, Any]

    @property
    def record(self) -> Path:
        """File that keeps the answer."""
        return record_of(self.facts, cache_folder())


def objection(precision: str, losses: Mapping[str, float]) -> str:
    """Return why ``auto`` must not take a reduced precision here; empty if it may.

    Args:
        precision: One of ``NATIVE``.
        losses: Points of mask AP that the model is known to lose, as in ``Facts.losses``.
    """
    if not NATIVE[precision] & set(read_cpu('flags').split()):
        return f'this CPU has neither of {", ".join(sorted(NATIVE[precision]))}'
    if precision not in losses:
        return 'the model does not say what it loses by it'
    if losses[precision] >= MOST_LOST:
        return f'the model loses {losses[precision]} points of mask AP by it'
    return ''


def reduced_precisions(losses: Mapping[str, float]) -> list[str]:
    """Return precisions that the CPU has natively and that cost a model next to nothing."""
    return [precision for precision in NATIVE if not objection(precision, losses)]


def least_precision(runtime: Runtime, losses: Mapping[str, float]) -> str:
    """Return what ``auto`` stands for where the runtime is given, without a measurement.

    See ``objection``, and ``has_fast_bfloat16``.
    """
    reduced = reduced_precisions(losses) if has_fast_bfloat16() else []
    return next((one for one in reduced if one in runtime.computes_in), 'auto')


def ask(network: Yolact, precision: str, losses: Mapping[str, float]) -> Question:
    """Return what is to be chosen from on this CPU.

    PyTorch takes part in the first precision only: it gains less by others than the rest does.

    Args:
        network: Network that is to run.
        precision: Precision that is asked for, or ``auto``.
        losses: See ``objection``.
    """
    precisions = [PLAIN, *reduced_precisions(losses)] if precision == 'auto' else [precision]
    found = [
        [
            Candidate(runtime.name, one)
            for runtime in RUNTIMES.values()
            if _fits(runtime, network, one)
        ]
        for one in precisions
    ]
    found[0].append(Candidate('torch', precisions[0]))
    candidates = tuple(candidate for group in found for candidate in group)
    facts = situation(model_key(network), candidates)
    return Question(network.config.name, candidates, facts)


def choose(question: Question, build: Build) -> tuple[Choice, Backend]:
    """Return which candidate runs a model, and that backend.

    What was chosen in this situation before holds. Else all are measured, unless others keep the
    cores busy: then the most robust one runs, and another time will tell.

    Args:
        question: What is to be chosen from.
        build: Function that loads a candidate.
    """
    candidates, cores = question.candidates, question.facts['cores']
    if len(candidates) == 1:
        return Choice(candidates[0]), build(candidates[0])
    if (choice := recall(question.facts, cache_folder())) is not None:
        return choice, build(choice.candidate)
    others = _watch()
    if _are_taken(others, question.facts):
        logger.warning(
            'backends for %s are not measured while other processes use %.1f of %d cores: the '
            'most robust one runs until they are',
            question.name,
            others,
            cores,
        )
        return _take_robust(candidates, build, others)
    logger.info('measuring backends for %s, once', question.name)
    choice, backend, is_final = _measure(candidates, build)
    if _are_taken(choice.others, question.facts):
        logger.warning(
            'the choice of the backend for %s holds for now only: other processes used %.1f of '
            '%d cores while it was measured',
            question.name,
            choice.others,
            cores,
        )
    elif is_final:
        _keep(choice, question)
    return choice, backend


def _fits(runtime: Runtime, network: Yolact, precision: str) -> bool:
    """Return whether a runtime is to be tried with a network in a precision."""
    return (
        precision in (PLAIN, *NATIVE)
        and runtime.is_measured
        and runtime.is_installed
        and precision in (runtime.computes_in or runtime.precisions)
        and runtime.can_run(network.config)
    )


def _keep(choice: Choice, question: Question) -> None:
    try:
        remember(choice, question.facts, cache_folder())
    except OSError as error:
        logger.warning('the choice of the backend cannot be remembered: %s', error)


def _measure(candidates: Sequence[Candidate], build: Build) -> tuple[Choice, Backend, bool]:
    """Return the choice, its backend, and whether another time all would take part as well."""
    backends: dict[Candidate, Backend] = {}
    is_final = True
    for candidate in candidates:
        try:
            backends[candidate] = build(candidate)
        except Exception as error:  # no optional runtime keeps a model from running in PyTorch
            logger.warning('backend %s takes no part: %s', candidate, error)
            is_final = is_final and isinstance(error, InputError)
    meter = CoreMeter()
    measured = measure_in_turn(backends)
    choice = Choice(pick(measured, candidates), measured, round(meter.others(), 2))
    return choice, backends[choice.candidate], is_final


def _take_robust(
    candidates: Sequence[Candidate], build: Build, others: float
) -> tuple[Choice, Backend]:
    """Return the first backend of the table that loads, in what is surely its best precision."""
    places = {one.backend: place for place, one in reversed(list(enumerate(candidates)))}
    is_plain_last = has_fast_bfloat16()
    ordered = sorted(
        candidates,
        key=lambda one: (places[one.backend], (one.precision == PLAIN) == is_plain_last),
    )
    for candidate in ordered[:-1]:
        try:
            return Choice(candidate, others=others), build(candidate)
        except Exception as error:  # no optional runtime keeps a model from running in PyTorch
            logger.warning('backend %s takes no part: %s', candidate, error)
    return Choice(ordered[-1], others=others), build(ordered[-1])


def _watch() -> float:
    """Return how many cores others use right now."""
    meter = CoreMeter()
    time.sleep(WATCHED)
    return meter.others()


def _are_taken(others: float, facts: Mapping[str, Any]) -> bool:
    """Return whether others use cores that our threads want."""
    cores, threads = int(facts['cores']), int(facts['threads'])
    return cores - others < FREE * min(threads, cores)
