"""How well tracks follow the objects that there are: HOTA, IDF1 and identity switches.

Figures are those of TrackEval, to the last digit, and know nothing of classes: an object whose
class flickers while its id stays is followed well, and flicker is told by figures of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from yolact_core.errors import InputError

ALPHAS = np.arange(0.05, 0.99, 0.05)  # similarities from which on HOTA calls two the same
SAME = 0.5  # similarity from which on IDF1 and identity switches do
CONTINUED = 1000.0  # weight of going on as in the image before, more than all similarities
ROUNDING = np.finfo(np.float64).eps
NOBODY = -1

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
NumberedImage = tuple[Indices, Indices, Floats]  # truth (T,), found (N,), similarity (T, N)


@dataclass(frozen=True)
class TrackedImage:
    """Objects and tracks of one image.

    Args:
        truth: Ids of the objects that there are, shape (T,).
        found: Ids of the tracks that were seen, shape (N,); detections without one do not count.
        similarity: IoU of each object's mask with each track's, in [0, 1], shape (T, N).

    Raises:
        InputError: The shape of the similarity is another, or an id occurs twice.
    """

    truth: tuple[str, ...]
    found: tuple[str, ...]
    similarity: Floats

    def __post_init__(self) -> None:
        shape = (len(self.truth), len(self.found))
        if self.similarity.shape != shape:
            got = self.similarity.shape
            raise InputError(f'similarity of {shape[0]} x {shape[1]} ids must fit, got {got}')
        for ids in (self.truth, self.found):
            if len(set(ids)) < len(ids):
                twice = next(one for one in ids if ids.count(one) > 1)
                raise InputError(f'ids of one image must differ, got {twice!r} twice')


@dataclass(frozen=True)
class TrackFigures:
    """Figures of tracks, in [0, 1]; None where there is neither an object nor a track.

    Args:
        hota: Higher order tracking accuracy, the mean over 19 thresholds of the geometric mean of
            detection and association (Luiten et al. 2020).
        det_a: Accuracy of detection, its part that knows no ids.
        ass_a: Accuracy of association, its part about ids.
        idf1: F1 of detections that have the one id that suits their object best (Ristani et al.
            2016).
        identity_switches: How often an object is seen under another id than the last time, as
            in CLEAR MOT (Bernardin and Stiefelhagen 2008).
    """

    hota: float | None
    det_a: float | None
    ass_a: float | None
    idf1: float | None
    identity_switches: int


def measure_tracks(sequences: Sequence[Sequence[TrackedImage]]) -> TrackFigures:
    """Measure tracks in one or several sequences, each with ids of its own.

    Args:
        sequences: Images of each sequence in their order.
    """
    tallies = [_tally(images) for images in sequences]
    objects, tracks = sum(one.objects for one in tallies), sum(one.tracks for one in tallies)
    switches = sum(one.switches for one in tallies)
    if not objects + tracks:
        return TrackFigures(None, None, None, None, switches)
    hits = np.sum([one.hits for one in tallies], axis=0)
    det_a = hits / (objects + tracks - hits)
    ass_a = np.sum([one.associated for one in tallies], axis=0) / np.maximum(1, hits)
    return TrackFigures(
        hota=float(np.sqrt(det_a * ass_a).mean()),
        det_a=float(det_a.mean()),
        ass_a=float(ass_a.mean()),
        idf1=2 * sum(one.identified for one in tallies) / (objects + tracks),
        identity_switches=switches,
    )


@dataclass(frozen=True)
class _Tally:
    """What a sequence adds to the figures.

    Args:
        objects: Number of objects, over all images.
        tracks: Number of detections that have a track.
        hits: Pairs of the two that are the same, for each alpha, shape (19,).
        associated: Sum over these pairs of how well the track covers the object, shape (19,).
        identified: Detections that have the id that suits their object best.
        switches: How often an object is seen under another id than the last time.
    """

    objects: int
    tracks: int
    hits: Floats
    associated: Floats
    identified: int
    switches: int


def _tally(images: Sequence[TrackedImage]) -> _Tally:
    truth, truth_lengths = _number(one.truth for one in images)
    found, found_lengths = _number(one.found for one in images)
    similarities = [one.similarity for one in images]
    numbered = list(zip(truth, found, similarities, strict=True))
    hits, associated = _match(numbered, truth_lengths, found_lengths)
    return _Tally(
        objects=int(truth_lengths.sum()),
        tracks=int(found_lengths.sum()),
        hits=hits,
        associated=associated,
        identified=_count_identified(numbered, (len(truth_lengths), len(found_lengths))),
        switches=_count_switches(numbered, len(truth_lengths)),
    )


def _number(ids: Iterable[tuple[str, ...]]) -> tuple[list[Indices], Indices]:
    """Return the ids of each image as numbers from 0 on, and how often each occurs."""
    numbers: dict[str, int] = {}
    images = [
        np.array([numbers.setdefault(one, len(numbers)) for one in image], np.int64)
        for image in ids
    ]
    every = np.concatenate([np.zeros(0, np.int64), *images])
    return images, np.bincount(every, minlength=len(numbers))


def _match(
    images: list[NumberedImage], truth_lengths: Indices, found_lengths: Indices
) -> tuple[Floats, Floats]:
    """Pair objects and tracks as HOTA does, preferring those that go together all along.

    Returns:
        ``hits`` and ``associated`` of the tally.
    """
    together = np.zeros((len(truth_lengths), len(found_lengths)))
    for truth, found, similarity in images:
        together[np.ix_(truth, found)] += _share(similarity)
    alignment = together / (truth_lengths[:, None] + found_lengths - together)

    pairs, levels = [np.zeros((2, 0), np.int64)], [np.zeros(0, np.int64)]
    for truth, found, similarity in images:
        rows, columns = linear_sum_assignment(-alignment[np.ix_(truth, found)] * similarity)
        pairs.append(np.stack([truth[rows], found[columns]]))
        levels.append(np.searchsorted(ALPHAS - ROUNDING, similarity[rows, columns], 'right'))
    return _associate(np.hstack(pairs), np.hstack(levels), truth_lengths, found_lengths)


def _share(similarity: Floats) -> Floats:
    """Return similarity in relation to what both have with all others, too."""
    total = similarity.sum(axis=0) + similarity.sum(axis=1, keepdims=True) - similarity
    is_shared = total > ROUNDING
    return np.where(is_shared, similarity / np.where(is_shared, total, 1.0), 0.0)


def _associate(
    pairs: Indices, levels: Indices, truth_lengths: Indices, found_lengths: Indices
) -> tuple[Floats, Floats]:
    """Sum up pairs of all images.

    Args:
        pairs: Object and track, shape (2, M).
        levels: Number of alphas that each pair is similar enough for, shape (M,).
        truth_lengths: Images that each object is in.
        found_lengths: Images that each track is in.

    Returns:
        ``hits`` and ``associated`` of the tally.
    """
    known, which = np.unique(pairs, axis=1, return_inverse=True)
    counts = np.zeros((known.shape[1], len(ALPHAS) + 1))  # (P, 20), of pairs by level
    np.add.at(counts, (which.reshape(-1), levels), 1)
    matches = counts[:, :0:-1].cumsum(axis=1)[:, ::-1]  # (P, 19), of those that reach an alpha
    lengths = truth_lengths[known[0]] + found_lengths[known[1]]
    covered = matches / (lengths[:, None] - matches)
    return matches.sum(axis=0), (matches * covered).sum(axis=0)


def _count_identified(images: list[NumberedImage], shape: tuple[int, int]) -> int:
    """Count detections that agree with the best one-to-one assignment of tracks to objects.

    Args:
        images: What is compared.
        shape: Number of objects and of tracks.
    """
    together = np.zeros(shape)
    for truth, found, similarity in images:
        together[np.ix_(truth, found)] += similarity >= SAME
    return int(together[linear_sum_assignment(-together)].sum())


def _count_switches(images: list[NumberedImage], object_count: int) -> int:
    """Count how often an object's track is not the one it was seen under the last time."""
    last = np.full(object_count, NOBODY)  # track under which each object was last seen
    before = last.copy()  # the same, of objects seen in the image before
    switches = 0
    for truth, found, similarity in images:
        if not similarity.size:
            continue  # as if the image were not there, in TrackEval too
        score = similarity + CONTINUED * (before[truth][:, None] == found)
        score[similarity < SAME - ROUNDING] = 0.0
        rows, columns = linear_sum_assignment(-score)
        is_match = score[rows, columns] > ROUNDING
        seen, under = truth[rows[is_match]], found[columns[is_match]]
        switches += np.count_nonzero((last[seen] != NOBODY) & (last[seen] != under))
        last[seen] = under
        before[:] = NOBODY
        before[seen] = under
    return switches
