"""Bags of results of many bags, in pieces from whoever makes them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from yolact_core.errors import InputError
from yolact_ros.bag.fleet.pieces import (
    Piece,
    PieceJob,
    ReplayJob,
    ReplaySurvey,
    path_of_piece,
    process_piece,
    survey_replay,
)
from yolact_ros.bag.fleet.pool import Done, Ended, Pool
from yolact_ros.bag.fleet.progress import Bar, do_all, name_failed_part, name_failure
from yolact_ros.bag.replay.replay import Selection
from yolact_ros.bag.replay.resumable_output import Parts, Progress, folder_of_parts


@dataclass
class ReplayedBag:
    """What became of a bag.

    Args:
        job: What was asked for.
        selection: Which images; None if nothing of the bag can be read.
        pieces: That are done.
        resumed: Images of these that an earlier run did.
        failures: What could not be done, each in one sentence; then there is no output, but its
            pieces are kept.
        damages: What of the bag cannot be read.
    """

    job: ReplayJob
    selection: Selection | None = None
    pieces: list[Piece] = field(default_factory=list)
    resumed: int = 0
    failures: list[str] = field(default_factory=list)
    damages: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """Of its pieces, as long as they are not joined."""
        return folder_of_parts(self.job.output)

    @property
    def progress(self) -> Progress:
        """What is in all pieces together."""
        instances: Counter[str] = Counter()
        for piece in self.pieces:
            instances.update(piece.progress.instances)
        return Progress(
            images=sum(piece.progress.images for piece in self.pieces),
            skipped=sum(piece.progress.skipped for piece in self.pieces),
            instances=dict(instances),
        )


def replay_bags(
    pool: Pool, jobs: Sequence[ReplayJob], bar: Bar, *, restart: bool
) -> list[ReplayedBag]:
    """Make the results of many bags.

    Args:
        pool: Who does it.
        jobs: The bags.
        bar: Shows progress.
        restart: Drop what earlier runs left unfinished.

    Returns:
        One for each bag, in the same order, with whatever could be done of it.
    """
    bags = [ReplayedBag(job) for job in jobs]
    surveys = _survey(pool, bags, bar)
    opened: list[_Opened] = []
    for bag, survey in zip(bags, surveys, strict=True):
        if survey is not None and (parts := _open_parts(bag, survey, restart=restart)):
            opened.append(_Opened(bag, survey, parts, _list_missing(bag, survey, parts)))
    outcomes = iter(_process(pool, opened, bar))
    for one in opened:
        _gather(one, list(islice(outcomes, len(one.missing))))
        _finish(one.bag, one.parts)
    return bags


class _Opened(NamedTuple):
    """A bag whose pieces are being made."""

    bag: ReplayedBag
    survey: ReplaySurvey
    parts: Parts
    missing: list[PieceJob]


def _process(pool: Pool, opened: Sequence[_Opened], bar: Bar) -> list[Ended]:
    pieces = [piece for one in opened for piece in one.missing]
    total = sum(one.survey.images - one.bag.resumed for one in opened)
    with bar('images', max(total, 0)) as advance:

        def count(outcome: Ended) -> None:
            for _ in range(outcome.value.progress.images if isinstance(outcome, Done) else 0):
                advance()

        return do_all(pool, process_piece, pieces, count)


def _survey(pool: Pool, bags: Sequence[ReplayedBag], bar: Bar) -> list[ReplaySurvey | None]:
    surveys: list[ReplaySurvey | None] = []
    with bar('bags', len(bags)) as advance:
        outcomes = do_all(pool, survey_replay, [bag.job for bag in bags], lambda _: advance())
    for bag, outcome in zip(bags, outcomes, strict=True):
        if isinstance(outcome, Done):
            surveys.append(outcome.value)
            bag.selection = outcome.value.selection
            bag.damages.extend(outcome.value.damages)
        else:
            surveys.append(None)
            bag.failures.append(name_failure(bag.job.bag, outcome.reason))
    return surveys


def _open_parts(bag: ReplayedBag, survey: ReplaySurvey, *, restart: bool) -> Parts | None:
    try:
        return Parts(bag.job.output, survey.plan, survey.types, restart)
    except InputError as error:
        bag.failures.append(name_failure(bag.job.bag, str(error)))
        return None


def _list_missing(bag: ReplayedBag, survey: ReplaySurvey, parts: Parts) -> list[PieceJob]:
    """Return the pieces that are not there, and note those that are."""
    missing = []
    for number in range(len(survey.spans)):
        path = path_of_piece(parts.folder, number)
        if path.exists():
            progress = Progress(**json.loads(path.with_suffix('.json').read_text()))
            bag.pieces.append(Piece(progress))
            bag.resumed += progress.images
        else:
            missing.append(PieceJob(bag.job, survey, parts.folder, number))
    return missing


def _gather(one: _Opened, outcomes: Sequence[Ended]) -> None:
    """Put together what became of the pieces of a bag."""
    bag, spans = one.bag, one.survey.spans
    for piece, outcome in zip(one.missing, outcomes, strict=True):
        if isinstance(outcome, Done):
            bag.pieces.append(outcome.value)
            bag.damages.extend(outcome.value.damages)
        else:
            bag.failures.append(name_failed_part(bag.job.bag, spans, piece.number, outcome.reason))


def _finish(bag: ReplayedBag, parts: Parts) -> None:
    """Join all pieces; if that cannot be, keep those that there are."""
    if bag.failures:
        if not any(parts.folder.rglob('*.mcap')):
            shutil.rmtree(parts.folder, ignore_errors=True)
        return
    try:
        parts.join()
    except (InputError, OSError) as error:
        bag.failures.append(
            f'results of bag {bag.job.bag} cannot be joined and stay in {parts.folder}: {error}'
        )
