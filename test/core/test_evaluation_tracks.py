"""Laws of HOTA, IDF1 and identity switches, and the same figures as TrackEval's."""

from __future__ import annotations

import time
from dataclasses import astuple

import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_core.evaluation.tracks import TrackedImage, TrackFigures, measure_tracks


def followed(*pairs):
    """Return an image in which each object has a track that is equal to it."""
    truth, found = zip(*pairs, strict=True)
    return TrackedImage(truth, found, np.eye(len(pairs)))


def random_sequence(seed, images=40, objects=8):
    """Return images with objects that come and go, and tracks that mix them up."""
    random = np.random.default_rng(seed)
    names = random.permutation(objects)
    sequence = []
    for _ in range(images):
        truth = random.permutation(np.flatnonzero(random.random(objects) < 0.7))
        found = random.permutation(np.flatnonzero(random.random(objects) < 0.7))
        similarity = random.random((len(truth), len(found))) * (names[truth][:, None] == found)
        similarity = np.maximum(similarity, random.random(similarity.shape) ** 4)
        similarity = (2 * similarity).clip(0, 1).round(2)  # with ties, thresholds and ones
        if random.random() < 0.05:
            names = random.permutation(objects)
        sequence.append(_image(truth, found, similarity))
    return [*sequence, _image(truth[:0], found, similarity[:0]), *sequence[:3]]


def _image(truth, found, similarity):
    return TrackedImage(tuple(map(str, truth)), tuple(f't{one}' for one in found), similarity)


def nothing_found(count=3):
    return [TrackedImage(('a', 'b'), (), np.zeros((2, 0)))] * count


def nothing_there(count=3):
    return [TrackedImage((), ('x',), np.zeros((0, 1)))] * count


def nothing_at_all(count=3):
    return [TrackedImage((), (), np.zeros((0, 0)))] * count


def test_perfect_tracks_have_perfect_figures():
    images = [followed(('a', '7'), ('b', '2')), *nothing_at_all(1), followed(('b', '2'))]
    assert measure_tracks([images]) == TrackFigures(1.0, 1.0, 1.0, 1.0, 0)


@pytest.mark.parametrize(
    'sequences', [[], [[]], [nothing_at_all()]], ids=['nothing', 'no images', 'empty images']
)
def test_where_there_is_nothing_there_are_no_figures(sequences):
    assert measure_tracks(sequences) == TrackFigures(None, None, None, None, 0)


@pytest.mark.parametrize('images', [nothing_found(), nothing_there()], ids=['found', 'there'])
def test_where_nothing_is_found_or_there_figures_are_zero(images):
    assert measure_tracks([images]) == TrackFigures(0.0, 0.0, 0.0, 0.0, 0)


def test_one_swap_by_hand():
    """Two objects, four images; their tracks are swapped after three of these.

    Six pairs of an object and a track go together in 3 of 5 places (4 + 4 - 3), two in 1 of 7.
    """
    before, after = followed(('a', '1'), ('b', '2')), followed(('a', '2'), ('b', '1'))
    figures = measure_tracks([[before, before, before, after]])
    ass_a = (6 * 3 / 5 + 2 * 1 / 7) / 8
    assert figures.det_a == 1.0
    assert figures.ass_a == pytest.approx(ass_a, abs=1e-12)
    assert figures.hota == pytest.approx(ass_a**0.5, abs=1e-12)
    assert figures.idf1 == 6 / 8
    assert figures.identity_switches == 2


def test_an_object_found_again_under_another_id_is_one_switch():
    one, other = followed(('a', '1')), followed(('a', '2'))
    images = [one, *nothing_at_all(2), other, other]
    assert measure_tracks([images]).identity_switches == 1


def test_similarity_counts_for_as_many_thresholds_as_it_reaches():
    image = TrackedImage(('a',), ('1',), np.array([[0.5]]))
    assert measure_tracks([[image]]).hota == pytest.approx(10 / 19)  # 0.05, 0.1, ..., 0.5


def test_names_of_ids_mean_nothing():
    images = random_sequence(0)
    renamed = [
        TrackedImage(
            tuple(f'-{one}' for one in image.truth),
            tuple(one[::-1] for one in image.found),
            image.similarity,
        )
        for image in images
    ]
    assert measure_tracks([images]) == measure_tracks([renamed])


def test_ids_of_one_sequence_mean_nothing_in_another():
    one = [followed(('a', '1'))] * 2
    other = [followed(('a', '2'))] * 2
    assert measure_tracks([one, other]) == TrackFigures(1.0, 1.0, 1.0, 1.0, 0)


@pytest.mark.parametrize(
    ('truth', 'found', 'shape', 'sentence'),
    [
        (('a',), ('1', '2'), (2, 1), r'similarity of 1 x 2 ids must fit, got \(2, 1\)'),
        (('a', 'b', 'a'), (), (3, 0), "ids of one image must differ, got 'a' twice"),
        (('a',), ('1', '1'), (1, 2), "ids of one image must differ, got '1' twice"),
    ],
)
def test_what_does_not_fit_is_refused(truth, found, shape, sentence):
    with pytest.raises(InputError, match=sentence):
        TrackedImage(truth, found, np.zeros(shape))


def test_a_long_sequence_takes_no_long_time():
    images = random_sequence(1, images=2000, objects=20)
    start = time.perf_counter()
    measure_tracks([images])
    assert time.perf_counter() - start < 5.0


def test_figures_are_those_of_trackeval():
    groups = [[random_sequence(10 * group + one) for one in range(3)] for group in range(10)]
    groups[0] = [*groups[0], nothing_found(), nothing_there(), nothing_at_all()]
    for sequences in [*groups, [nothing_found()], [nothing_there()]]:
        figures = astuple(measure_tracks(sequences))
        assert figures == pytest.approx(_measure_with_trackeval(sequences), rel=0, abs=1e-12)


def _measure_with_trackeval(sequences):
    reason = 'TrackEval is not installed: pip install --no-deps trackeval==1.3.0'
    metrics = pytest.importorskip('trackeval', reason=reason).metrics
    data = {str(index): _to_trackeval(images) for index, images in enumerate(sequences)}
    hota, identity, clear = (
        metric.combine_sequences({name: metric.eval_sequence(one) for name, one in data.items()})
        for metric in (
            metrics.HOTA(),
            metrics.Identity({'PRINT_CONFIG': False}),
            metrics.CLEAR({'PRINT_CONFIG': False}),
        )
    )
    means = tuple(np.mean(hota[name]) for name in ('HOTA', 'DetA', 'AssA'))
    return (*means, identity['IDF1'], clear['IDSW'])


def _to_trackeval(images):
    truth = {
        one: number for number, one in enumerate(sorted({i for x in images for i in x.truth}))
    }
    found = {
        one: number for number, one in enumerate(sorted({i for x in images for i in x.found}))
    }
    return {
        'gt_ids': [np.array([truth[one] for one in image.truth], int) for image in images],
        'tracker_ids': [np.array([found[one] for one in image.found], int) for image in images],
        'similarity_scores': [image.similarity for image in images],
        'num_gt_ids': len(truth),
        'num_tracker_ids': len(found),
        'num_gt_dets': sum(len(image.truth) for image in images),
        'num_tracker_dets': sum(len(image.found) for image in images),
        'num_timesteps': len(images),
    }
