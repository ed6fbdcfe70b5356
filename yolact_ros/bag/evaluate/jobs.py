"""Evaluate bags in jobs: split each bag, evaluate its parts, and put their records together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from yolact_ros.bag.evaluate.plan import (
    EvaluationFacts,
    EvaluationPlan,
    OpenEvaluation,
    open_evaluation,
)
from yolact_ros.bag.evaluate.records import Record, merge
from yolact_ros.bag.executors.by_bag import (
    Bar,
    describe_failed_part,
    describe_failure,
    map_bags,
    map_parts,
)
from yolact_ros.bag.executors.executor import Done, Ended, Executor, Observer
from yolact_ros.bag.executors.models import load_once
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import Span, plan_spans


@dataclass(frozen=True)
class SurveyJob:
    """A bag to be split.

    Args:
        plan: What to evaluate.
        part_images: Approximate number of images in a part; None leaves the bag whole.
    """

    plan: EvaluationPlan
    part_images: int | None


@dataclass(frozen=True)
class Survey:
    """A bag that was split.

    Args:
        facts: What is known of its plan.
        spans: Parts of the bag.
    """

    facts: EvaluationFacts
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class PartJob:
    """A part of a bag to be evaluated.

    Args:
        plan: What to evaluate.
        span: Stretch of the bag that is this part.
    """

    plan: EvaluationPlan
    span: Span


@dataclass
class EvaluatedBag:
    """Records of a bag.

    Args:
        plan: What was to be evaluated.
        facts: What is known of the plan; None if nothing of the bag can be read.
        records: Records of the images, topic by topic, in the order of recording.
        failures: What could not be done, each in one sentence.
    """

    plan: EvaluationPlan
    facts: EvaluationFacts | None = None
    records: list[Record] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class KeptEvaluation:
    """The evaluation that a process keeps open, as the parts of one bag follow each other."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._plan: EvaluationPlan | None = None
        self._opened: OpenEvaluation
        self._on_damage: Callable[[str], None]

    def open(self, plan: EvaluationPlan, on_damage: Callable[[str], None]) -> OpenEvaluation:
        """Return the evaluation of a plan, which is opened if the last one was another.

        Args:
            plan: What to evaluate.
            on_damage: Called from now on with one sentence about whatever cannot be read.

        Raises:
            InputError: A bag, a model or the truth cannot be used, or they do not fit together.
        """
        self._on_damage = on_damage
        if plan != self._plan:
            self.close()
            opening = open_evaluation(plan, lambda sentence: self._on_damage(sentence), load_once)
            self._opened, self._plan = self._stack.enter_context(opening), plan
        return self._opened

    def close(self) -> None:
        """Close the evaluation, if one is open."""
        self._plan = None
        self._stack.close()


kept_evaluation = KeptEvaluation()  # of this process


def survey_bag(job: SurveyJob, observer: Observer) -> Survey:
    """Split a bag, in a way that depends on nothing but the bag and the size of parts.

    Raises:
        InputError: A bag, a model or the truth cannot be used, or they do not fit together.
    """
    opened = kept_evaluation.open(job.plan, observer.on_damage)
    spans = [opened.whole]
    if job.part_images is not None:
        with Bag(job.plan.bag, observer.on_damage) as bag:
            count = math.ceil(opened.images / job.part_images)
            spans = plan_spans(bag, opened.topics, opened.whole, count)
    observer.advance()
    return Survey(opened.facts, tuple(spans))


def evaluate_part(part: PartJob, observer: Observer) -> list[Record]:
    """Return the records of a part, which depend on that part alone, but for the times it took.

    Raises:
        InputError: The truth or recorded results are malformed.
    """
    records = []
    opened = kept_evaluation.open(part.plan, observer.on_damage)
    for record in opened.evaluator.records(part.span):
        records.append(record)
        observer.advance()
    return records


def evaluate_bags(
    executor: Executor,
    plans: Sequence[EvaluationPlan],
    part_images: int,
    bar: Bar,
    on_damage: Callable[[str], None],
) -> list[EvaluatedBag]:
    """Evaluate all images of some bags.

    Args:
        executor: Executor that does the work; only a shared one splits bags.
        plans: What to evaluate of each bag.
        part_images: Approximate number of images in a part.
        bar: Progress bar for a number of steps, as ``progress_bar`` shows it.
        on_damage: Called with one sentence about whatever cannot be read.

    Returns:
        For each plan, in the same order, as much as could be done of it.
    """
    bags = [EvaluatedBag(plan) for plan in plans]
    jobs = [SurveyJob(plan, part_images if executor.is_shared else None) for plan in plans]
    spans: list[tuple[Span, ...]] = []
    outcomes = map_bags(executor, survey_bag, jobs, bar, on_damage)
    for bag, outcome in zip(bags, outcomes, strict=True):
        if isinstance(outcome, Done):
            bag.facts = outcome.value.facts
        else:
            bag.failures.append(describe_failure(bag.plan.bag, outcome.reason))
        spans.append(outcome.value.spans if isinstance(outcome, Done) else ())
    parts = [
        [PartJob(bag.plan, span) for span in own] for bag, own in zip(bags, spans, strict=True)
    ]
    with bar('images', sum(bag.facts.images for bag in bags if bag.facts)) as advance:
        ended = map_parts(executor, evaluate_part, parts, Observer(advance, on_damage))
    for bag, own, results in zip(bags, spans, ended, strict=True):
        _gather(bag, own, results)
    return bags


def _gather(bag: EvaluatedBag, spans: Sequence[Span], outcomes: Sequence[Ended]) -> None:
    """Put the results of the parts of a bag together."""
    for number, outcome in enumerate(outcomes):
        if not isinstance(outcome, Done):
            reason = describe_failed_part(bag.plan.bag, spans, number, outcome.reason)
            bag.failures.append(reason)
    bag.records = merge(one.value for one in outcomes if isinstance(one, Done))
    if not bag.records and not bag.failures:
        reason = 'it must hold an image in what was asked for, got none'
        bag.failures.append(describe_failure(bag.plan.bag, reason))
