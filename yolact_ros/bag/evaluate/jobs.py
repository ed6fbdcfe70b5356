"""Evaluate bags: split each bag, evaluate its parts anywhere, and put their records together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property

from yolact_ros.bag.evaluate.plan import (
    EvaluationFacts,
    EvaluationPlan,
    OpenEvaluation,
    open_evaluation,
)
from yolact_ros.bag.evaluate.records import FrameRecord, Record, SkippedFrame, merge
from yolact_ros.bag.executors.bag_runs import BagRun, Part, Reporter, Survey, run_bags
from yolact_ros.bag.executors.executor import Executor, Observer, load_once
from yolact_ros.bag.io.storage import Loss, ReportLoss, lose_images
from yolact_ros.bag.replay.frames import split_span


class EvaluatedBag(BagRun[EvaluationPlan, EvaluationFacts, list[Record]]):
    """A bag that is evaluated."""

    @cached_property
    def records(self) -> list[Record]:
        """Records of the images, topic by topic, in the order of recording."""
        return merge(self.results)

    @property
    def losses(self) -> list[Loss]:
        """Loss of the images that could not be used."""
        skipped = [record for record in self.records if isinstance(record, SkippedFrame)]
        times = [record.time for record in skipped]
        reasons = [record.reason for record in skipped]
        first, last = min(times, default=None), max(times, default=None)
        unusable = lose_images(self.job.bag, len(skipped), reasons, first, last)
        return [*unusable, *self._find_strangers(), *self._find_shared_truth()]

    def _find_strangers(self) -> Iterator[Loss]:
        """Give truth and recorded results that belong to none of the images."""
        frames = [one for one in self.records if isinstance(one, FrameRecord)]
        if self.facts is None or not frames:
            return
        strangers = [
            f'the results {name}'
            for index, name in enumerate(self.facts.names)
            if all(frame.results[index].is_missing for frame in frames)
        ]
        if self.job.truth and all(frame.objects is None for frame in frames):
            strangers.append(f'the truth {", ".join(self.job.truth)}')
        for what in strangers:
            reason = f'none of its images has a stamp that occurs in {what}'
            yield Loss(reason, messages=0, bag=str(self.job.bag))

    def _find_shared_truth(self) -> Iterator[Loss]:
        """Give the images whose truth in a file is also that of another image."""
        if not (self.job.truth and self.job.truth[0].endswith('.json')):
            return
        frames = [one for one in self.records if isinstance(one, FrameRecord)]
        counts = Counter(frame.stamp for frame in frames if frame.objects is not None)
        times = [frame.time for frame in frames if counts[frame.stamp] > 1]
        if times:
            reason = 'images with one stamp cannot each be found in the file of truth'
            bag = str(self.job.bag)
            yield Loss(reason, len(times), None, min(times), max(times), bag)


class KeptEvaluation:
    """The evaluation that a process keeps open, as the parts of one bag follow each other."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._plan: EvaluationPlan | None = None
        self._opened: OpenEvaluation
        self._on_loss: ReportLoss

    def open(self, plan: EvaluationPlan, on_loss: ReportLoss) -> OpenEvaluation:
        """Return the evaluation of a plan, which is opened if the last one was another.

        Args:
            plan: What to evaluate.
            on_loss: Function to call from now on with each loss.

        Raises:
            InputError: A bag, a model or the truth cannot be used, or they do not fit together.
        """
        self._on_loss = on_loss
        if plan != self._plan:
            self.close()
            opening = open_evaluation(plan, lambda loss: self._on_loss(loss), load_once)
            self._opened, self._plan = self._stack.enter_context(opening), plan
        return self._opened

    def close(self) -> None:
        """Close the evaluation, if one is open."""
        self._plan = None
        self._stack.close()


kept_evaluation = KeptEvaluation()  # of this process


def survey_bag(
    part_images: int | None, plan: EvaluationPlan, observer: Observer
) -> Survey[EvaluationFacts, list[Record]]:
    """Split a bag, unless instances are followed through all of it.

    Raises:
        InputError: A bag, a model or the truth cannot be used, or they do not fit together.
    """
    opened = kept_evaluation.open(plan, observer.on_loss)
    spans = split_span(opened.bag, opened.images, None if plan.is_tracked else part_images)
    observer.advance()
    return Survey(opened.facts, spans, opened.images.count)


def evaluate_part(part: Part[EvaluationPlan, EvaluationFacts], observer: Observer) -> list[Record]:
    """Return the records of a part, which depend on that part alone, but for the times it took."""
    records = []
    opened = kept_evaluation.open(part.job, observer.on_loss)
    for record in opened.evaluator.records(part.span):
        records.append(record)
        observer.advance()
        if observer.is_stopped():
            raise KeyboardInterrupt
    return records


def evaluate_bags(
    executor: Executor, plans: Sequence[EvaluationPlan], part_images: int, reporter: Reporter
) -> list[EvaluatedBag]:
    """Evaluate all images of some bags.

    Args:
        executor: Executor that does the work; only a shared one splits bags.
        plans: What to evaluate of each bag.
        part_images: Approximate number of images in a part.
        reporter: Reporter of the progress and of what cannot be read.

    Returns:
        For each plan, in the same order, as much as could be done of it.
    """
    bags = [EvaluatedBag(plan) for plan in plans]
    run_bags(executor, bags, part_images, survey_bag, evaluate_part, reporter)
    for bag in bags:
        if not bag.records and not bag.failures:
            bag.note_failure('it must hold an image in what was asked for, got none')
    return bags
