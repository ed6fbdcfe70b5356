"""Write bags of results in jobs: split each bag, replay its spans, and join their parts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from yolact_core.errors import InputError
from yolact_ros.bag.evaluate.plan import estimate_images, select_span
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
from yolact_ros.bag.replay.outputs import select_outputs
from yolact_ros.bag.replay.replay import Replay, Selection, list_topics, make_plan
from yolact_ros.bag.replay.resumable_output import (
    Progress,
    ResumableOutput,
    SpanOutput,
    explain_full_disk,
    folder_of_parts,
)


@dataclass(frozen=True)
class ReplayJob:
    """A bag of results to be written.

    Args:
        bag: Path of the bag of images.
        output: Path of the bag of results.
        outputs: Names of the outputs to write about each image.
        model: Name or file of the model.
        options: Options of ``Detector.load``.
        topics: Topics of images; empty means all of them.
        every: Take every so-many-th image of a topic.
        start: Where to begin, in seconds after the first message; None is the first message.
        end: Where to end, in seconds after the first message; None is the end of the bag.
        part_images: Number of images in a part, approximate if the bag is split.
        is_split: Whether the parts are planned beforehand, so that several processes share them.
    """

    bag: Path
    output: Path
    outputs: tuple[str, ...]
    model: str
    options: dict[str, Any]
    topics: tuple[str, ...]
    every: int
    start: float | None
    end: float | None
    part_images: int
    is_split: bool


@dataclass(frozen=True)
class ReplaySurvey:
    """A bag that was split.

    Args:
        plan: All that decides what the output is.
        types: Type of each topic of the output.
        selection: Images that are taken.
        spans: Stretches of the bag, one for each job.
        images: Estimated number of images.
    """

    plan: dict[str, Any]
    types: dict[str, str]
    selection: Selection
    spans: tuple[Span, ...]
    images: int


@dataclass(frozen=True)
class SpanJob:
    """A span of a bag to be replayed.

    Args:
        job: Bag of results that it belongs to.
        survey: Survey of the bag.
        number: Number of the span.
    """

    job: ReplayJob
    survey: ReplaySurvey
    number: int


@dataclass(frozen=True)
class ReplayedSpan:
    """A span that was replayed.

    Args:
        progress: How far it has come.
        seconds: Seconds that each image of this run took.
        reasons: Why images could not be read.
    """

    progress: Progress
    seconds: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass
class ReplayedBag:
    """What became of a bag.

    Args:
        job: Bag of results that was to be written.
        selection: Images that are taken; None if nothing of the bag can be read.
        spans: Spans as far as they were replayed.
        resumed: Number of images in them that an earlier run did.
        failures: What could not be done, each in one sentence; then there is no output, but its
            parts are kept.
    """

    job: ReplayJob
    selection: Selection | None = None
    spans: list[ReplayedSpan] = field(default_factory=list)
    resumed: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Folder of the parts, as long as they are not joined."""
        return folder_of_parts(self.job.output)

    @property
    def is_complete(self) -> bool:
        """Whether all spans are done."""
        return not self.failures and all(span.progress.is_complete for span in self.spans)

    @property
    def progress(self) -> Progress:
        """Sum of the progress of all spans."""
        instances: Counter[str] = Counter()
        for span in self.spans:
            instances.update(span.progress.instances)
        return Progress(
            images=sum(span.progress.images for span in self.spans),
            skipped=sum(span.progress.skipped for span in self.spans),
            instances=dict(instances),
        )


def survey_replay(job: ReplayJob, observer: Observer) -> ReplaySurvey:
    """Split a bag, in a way that depends on nothing but the bag and the size of parts.

    Raises:
        InputError: What was asked for is not in the bag.
    """
    outputs = select_outputs(job.outputs)
    with Bag(job.bag, observer.on_damage) as bag:
        topics = bag.select_images(job.topics)
        names = tuple(topic.name for topic in topics)
        whole = select_span(bag, job.start, job.end)
        selection = Selection(names, job.every, whole.start, whole.stop)
        images = estimate_images(bag, sum(topic.count for topic in topics), job.every, whole)
        plan = make_plan(bag, selection, load_once(job.model, **job.options), outputs)
        spans = [whole]
        if job.is_split:
            spans = plan_spans(bag, names, whole, math.ceil(images / job.part_images))
    plan |= {'spans': len(spans), 'part_images': job.part_images if job.is_split else None}
    observer.advance()
    return ReplaySurvey(plan, list_topics(names, outputs), selection, tuple(spans), images)


def replay_span(task: SpanJob, observer: Observer) -> ReplayedSpan:
    """Replay a span, or go on where an earlier run ended.

    Raises:
        InputError: There is no image, or no room on the disk.
    """
    job, survey = task.job, task.survey
    span = survey.spans[task.number]
    before = Progress() if task.number == 0 else Progress(span.start, counts=dict(span.counts))
    output = SpanOutput(job.output, task.number, survey.types, before)
    with Bag(job.bag, observer.on_damage) as bag:
        replay = Replay(
            bag,
            Selection(survey.selection.topics, job.every, span.start, span.stop),
            load_once(job.model, **job.options),
            select_outputs(job.outputs),
            output,
            None if job.is_split else job.part_images,
        )
        replay.run(observer)
    return ReplayedSpan(replay.progress, tuple(replay.seconds), tuple(replay.reasons))


def replay_bags(
    executor: Executor,
    jobs: Sequence[ReplayJob],
    bar: Bar,
    on_damage: Callable[[str], None],
    *,
    restart: bool,
) -> list[ReplayedBag]:
    """Write the results of some bags.

    Args:
        executor: Executor that does the work.
        jobs: Bags of results to be written.
        bar: Progress bar for a number of steps, as ``progress_bar`` shows it.
        on_damage: Called with one sentence about whatever cannot be read.
        restart: Whether to drop what earlier runs left unfinished.

    Returns:
        For each job, in the same order, as much as could be done of it.
    """
    bags = [ReplayedBag(job) for job in jobs]
    begun: list[_Begun] = []
    outcomes = map_bags(executor, survey_replay, jobs, bar, on_damage)
    for bag, outcome in zip(bags, outcomes, strict=True):
        try:
            begun.append(_begin(bag, outcome, restart=restart))
        except InputError as error:
            if not executor.is_shared:
                raise
            bag.failures.append(describe_failure(bag.job.bag, str(error)))
    total = sum(one.survey.images - one.bag.resumed for one in begun)
    with bar('images', max(total, 0)) as advance, executor.interruptible() as is_stopped:
        observer = Observer(advance, on_damage, is_stopped)
        ended = map_parts(executor, replay_span, [one.missing for one in begun], observer)
    for one, results in zip(begun, ended, strict=True):
        _gather(one, results)
        _finish(one, executor)
    return bags


class _Begun(NamedTuple):
    """A bag whose results are being written."""

    bag: ReplayedBag
    survey: ReplaySurvey
    output: ResumableOutput
    missing: list[SpanJob]


def _begin(bag: ReplayedBag, outcome: Ended, *, restart: bool) -> _Begun:
    """Find out which spans are missing, and note those that are there.

    Raises:
        InputError: The bag cannot be read, or its output cannot be written.
    """
    if not isinstance(outcome, Done):
        raise InputError(outcome.reason)
    survey: ReplaySurvey = outcome.value
    bag.selection = survey.selection
    output = ResumableOutput(bag.job.output, survey.plan, survey.types, restart=restart)
    missing = []
    for number in range(len(survey.spans)):
        progress = output.progress(number)
        bag.resumed += progress.images
        if progress.is_complete:
            bag.spans.append(ReplayedSpan(progress))
        else:
            missing.append(SpanJob(bag.job, survey, number))
    return _Begun(bag, survey, output, missing)


def _gather(begun: _Begun, outcomes: Sequence[Ended]) -> None:
    """Note what became of the spans of a bag."""
    bag, spans = begun.bag, begun.survey.spans
    for task, outcome in zip(begun.missing, outcomes, strict=True):
        if isinstance(outcome, Done):
            bag.spans.append(outcome.value)
        else:
            reason = describe_failed_part(bag.job.bag, spans, task.number, outcome.reason)
            bag.failures.append(reason)


def _finish(begun: _Begun, executor: Executor) -> None:
    """Join all parts if they are complete; otherwise keep those that there are."""
    bag, output = begun.bag, begun.output
    if not bag.is_complete:
        output.discard()
        return
    try:
        with explain_full_disk(output.folder, lambda: bag.progress.images):
            output.join()
    except (InputError, OSError) as error:
        if not executor.is_shared:
            raise
        bag.failures.append(
            f'results of bag {bag.job.bag} cannot be joined and stay in {output.folder}: {error}'
        )
