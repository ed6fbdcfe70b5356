"""Records of many bags, from whoever does the parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from yolact_ros.bag.evaluate.plan import EvaluationFacts, EvaluationPlan, open_evaluation
from yolact_ros.bag.evaluate.records import Record, merge
from yolact_ros.bag.fleet.models import load_once
from yolact_ros.bag.fleet.pool import Done, Ended, Pool
from yolact_ros.bag.fleet.progress import Bar, do_all, name_failed_part, name_failure
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import Span, plan_spans


@dataclass(frozen=True)
class SurveyJob:
    """A bag to be split.

    Args:
        plan: Of the bag.
        part_images: About so many images are a part.
    """

    plan: EvaluationPlan
    part_images: int


@dataclass(frozen=True)
class Survey:
    """A bag that was split.

    Args:
        facts: Of its plan; None if nothing of it can be read.
        spans: The parts.
        damages: What of it cannot be read.
    """

    facts: EvaluationFacts | None
    spans: tuple[Span, ...]
    damages: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A stretch of a bag to be looked at.

    Args:
        plan: Of the bag.
        span: Which stretch.
    """

    plan: EvaluationPlan
    span: Span


@dataclass(frozen=True)
class PartRecords:
    """A part that was looked at.

    Args:
        records: Of its images.
        damages: What of it cannot be read.
    """

    records: tuple[Record, ...]
    damages: tuple[str, ...]


@dataclass
class EvaluatedBag:
    """What is known of a bag.

    Args:
        plan: Of the bag.
        facts: None if nothing of it can be read.
        records: Of its images, topic by topic, in the order of recording.
        failures: What could not be done of it, each in one sentence.
        damages: What of it cannot be read.
    """

    plan: EvaluationPlan
    facts: EvaluationFacts | None = None
    records: list[Record] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    damages: list[str] = field(default_factory=list)


def survey_bag(job: SurveyJob) -> Survey:
    """Split a bag; how, depends on nothing but the bag and the size of parts.

    Raises:
        InputError: Something of the plan does not fit.
    """
    damages: list[str] = []
    with open_evaluation(job.plan, damages.append, load_once) as opened:
        count = math.ceil(opened.images / job.part_images)
        with Bag(job.plan.bag, damages.append) as bag:
            spans = plan_spans(bag, opened.topics, opened.whole, count)
        return Survey(opened.facts, tuple(spans), tuple(damages))


def process_part(part: Part) -> PartRecords:
    """Return the records of a part, which depend on the part alone, but for the times it took.

    Raises:
        InputError: Truth or recorded results are malformed.
    """
    damages: list[str] = []
    with open_evaluation(part.plan, damages.append, load_once) as opened:
        records = tuple(opened.evaluator.records(part.span))
    return PartRecords(records, tuple(damages))


def evaluate_bags(
    pool: Pool, plans: Sequence[EvaluationPlan], part_images: int, bar: Bar
) -> list[EvaluatedBag]:
    """Look at all images of many bags.

    Args:
        pool: Who does it.
        plans: Of the bags.
        part_images: About so many images are a part.
        bar: Shows progress.

    Returns:
        One for each plan, in the same order, with whatever could be done of it.
    """
    bags = [EvaluatedBag(plan) for plan in plans]
    surveys = _survey(pool, bags, part_images, bar)
    parts = [
        Part(bag.plan, span)
        for bag, survey in zip(bags, surveys, strict=True)
        for span in survey.spans
    ]
    total = sum(bag.facts.images for bag in bags if bag.facts)
    with bar('images', total) as advance:

        def count(outcome: Ended) -> None:
            for _ in outcome.value.records if isinstance(outcome, Done) else ():
                advance()

        outcomes = iter(do_all(pool, process_part, parts, count))
    for bag, survey in zip(bags, surveys, strict=True):
        _gather(bag, survey.spans, list(islice(outcomes, len(survey.spans))))
    return bags


def _survey(pool: Pool, bags: Sequence[EvaluatedBag], part_images: int, bar: Bar) -> list[Survey]:
    """Split all bags; of those that cannot be read there are no spans."""
    jobs = [SurveyJob(bag.plan, part_images) for bag in bags]
    surveys = []
    with bar('bags', len(jobs)) as advance:
        outcomes = do_all(pool, survey_bag, jobs, lambda _: advance())
    for bag, outcome in zip(bags, outcomes, strict=True):
        if isinstance(outcome, Done):
            surveys.append(outcome.value)
            bag.facts = outcome.value.facts
            bag.damages.extend(outcome.value.damages)
        else:
            surveys.append(Survey(None, (), ()))
            bag.failures.append(name_failure(bag.plan.bag, outcome.reason))
    return surveys


def _gather(bag: EvaluatedBag, spans: Sequence[Span], outcomes: Sequence[Ended]) -> None:
    """Put together what became of the parts of a bag."""
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Done):
            bag.damages.extend(outcome.value.damages)
        else:
            bag.failures.append(name_failed_part(bag.plan.bag, spans, number, outcome.reason))
    bag.records = merge(one.value.records for one in outcomes if isinstance(one, Done))
    if not bag.records and not bag.failures:
        bag.failures.append(
            name_failure(bag.plan.bag, 'it must hold an image in what was asked for, got none')
        )
