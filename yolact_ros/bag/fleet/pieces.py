"""A stretch of a bag of results, made by itself.

A piece is a bag of its own, whole once it is there, and lies where a single process would keep
the same stretch: so what is there need not be done again, and pieces are joined in the same way.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from yolact_core.files import replace_when_done
from yolact_ros.bag.evaluate.plan import estimate_images, select_span
from yolact_ros.bag.fleet.models import load_once
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import Span, plan_spans
from yolact_ros.bag.replay.outputs import select_outputs
from yolact_ros.bag.replay.replay import Replay, Selection, list_topics, make_plan
from yolact_ros.bag.replay.resumable_output import Parts, Progress


@dataclass(frozen=True)
class ReplayJob:
    """A bag of results to be made.

    Args:
        bag: Path of the images.
        output: Path of the results.
        outputs: Names of what is written about each image.
        model: Source of the model.
        options: Of ``Detector.load``.
        topics: Of images; empty means all of them.
        every: Take every so-many-th image of a topic.
        start: Seconds after the first message of the bag.
        end: Seconds after the first message of the bag.
        part_images: About so many images are a piece.
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


@dataclass(frozen=True)
class ReplaySurvey:
    """A bag that was split.

    Args:
        plan: All that decides what the output is.
        types: Of the topics of the output.
        selection: Which images are taken.
        spans: The pieces.
        images: About how many there are.
        damages: What of the bag cannot be read.
    """

    plan: dict[str, Any]
    types: dict[str, str]
    selection: Selection
    spans: tuple[Span, ...]
    images: int
    damages: tuple[str, ...]


@dataclass(frozen=True)
class PieceJob:
    """A piece to be made.

    Args:
        job: Of the bag.
        survey: Of the bag.
        folder: Of its pieces.
        number: Of this one.
    """

    job: ReplayJob
    survey: ReplaySurvey
    folder: Path
    number: int


@dataclass(frozen=True)
class Piece:
    """A piece that was made.

    Args:
        progress: What is in it.
        seconds: Of each image that was processed now.
        reasons: Why images could not be read.
        damages: What of the bag cannot be read.
    """

    progress: Progress
    seconds: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    damages: tuple[str, ...] = ()


def survey_replay(job: ReplayJob) -> ReplaySurvey:
    """Split a bag; how, depends on nothing but the bag and the size of parts.

    Raises:
        InputError: What is asked for is not in it.
    """
    damages: list[str] = []
    outputs = select_outputs(job.outputs)
    with Bag(job.bag, damages.append) as bag:
        topics = bag.select_images(job.topics)
        names = tuple(topic.name for topic in topics)
        whole = select_span(bag, job.start, job.end)
        selection = Selection(names, job.every, whole.start, whole.stop)
        count = sum(topic.count for topic in topics)
        images = estimate_images(bag, count, job.every, whole)
        plan = make_plan(bag, selection, load_once(job.model, **job.options), outputs)
        spans = plan_spans(bag, names, whole, math.ceil(images / job.part_images))
    return ReplaySurvey(
        plan={**plan, 'part_images': job.part_images},
        types=list_topics(names, outputs),
        selection=selection,
        spans=tuple(spans),
        images=images,
        damages=tuple(damages),
    )


def process_piece(piece: PieceJob) -> Piece:
    """Make a piece, or go on with what a worker before left of it.

    Raises:
        InputError: There is no image, or no room on the disk.
    """
    job, survey, number = piece.job, piece.survey, piece.number
    span = survey.spans[number]
    damages: list[str] = []
    target = path_of_piece(piece.folder, number)
    unfinished = target.with_suffix('') / target.name
    parts = Parts(unfinished, survey.plan, survey.types, restart=False)
    if number > 0 and parts.progress.time is None:
        parts.progress = Progress(time=span.start, counts=dict(span.counts))
    selection = Selection(survey.selection.topics, job.every, span.start, span.stop)
    with Bag(job.bag, damages.append) as bag:
        detector = load_once(job.model, **job.options)
        replay = Replay(bag, selection, detector, select_outputs(job.outputs), parts)
        replay.run(lambda: None, lambda: False)
    with replace_when_done(target.with_suffix('.json')) as text:
        text.write_text(json.dumps(asdict(replay.progress)))
    unfinished.replace(target)
    shutil.rmtree(unfinished.parent)
    seconds = tuple(decode + timing.total for decode, timing in replay.timings)
    return Piece(replay.progress, seconds, tuple(replay.reasons), tuple(damages))


def path_of_piece(folder: Path, number: int) -> Path:
    """Return where a piece lies; ``Parts`` keeps a part of this name there too."""
    return folder / f'{number:06d}.mcap'
