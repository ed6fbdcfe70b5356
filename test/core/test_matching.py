"""Matching against numbers of the original, against its definition by loops, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yolact_core import InputError, build_network
from yolact_core.dataset import Targets
from yolact_core.network.boxes import cxcywh_to_xyxy, decode_boxes, encode_boxes, pairwise_iou
from yolact_core.training.matching import Matches, MatchingOptions, match_priors


def make_targets(
    boxes: list, class_ids: list[list[int]] | None = None, crowd_boxes: list | None = None
) -> Targets:
    """Make targets of nested lists, with masks of no interest."""
    as_boxes = [torch.tensor(of_image).float().view(-1, 4) for of_image in boxes]
    class_ids = class_ids or [[0] * len(of_image) for of_image in as_boxes]
    return Targets(
        boxes=as_boxes,
        class_ids=[torch.tensor(ids, dtype=torch.int64) for ids in class_ids],
        masks=[torch.zeros(len(of_image), 4, 4, dtype=torch.uint8) for of_image in as_boxes],
        crowd_boxes=[
            torch.tensor(of_image).float().view(-1, 4)
            for of_image in crowd_boxes or [[] for _ in boxes]
        ],
    )


def match_by_loops(iou: np.ndarray, options: MatchingOptions) -> tuple[list[int], list[int]]:
    """Return whether each prior is positive (1), background (0) or ignored (-1), and its object.

    Args:
        iou: Of each object with each prior, shape (N, A).
        options: The thresholds.
    """
    objects = list(iou.argmax(axis=0))
    best = list(iou.max(axis=0))
    pairs = sorted(np.ndindex(*iou.shape), key=lambda pair: -iou[pair])
    done: set[int] = set()
    taken: set[int] = set()
    for item, prior in pairs:
        if item not in done and prior not in taken:
            done.add(item)
            taken.add(prior)
            objects[prior], best[prior] = item, 2.0
    states = [
        1 if value >= options.positive_iou else 0 if value < options.negative_iou else -1
        for value in best
    ]
    return states, objects


def random_boxes(seed: int, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    centre, size = torch.rand(2, count, 2, generator=generator)
    return torch.cat([centre, 0.05 + 0.4 * size], dim=1)


@pytest.mark.parametrize('variant', ['nocrowd', 'crowd'])
def test_matches_equal_those_of_the_original(golden, variant):
    numbers = golden('boxes')
    priors = build_network('yolact_base').priors
    crowd = numbers['match_crowd'].tolist() if variant == 'crowd' else []
    targets = make_targets(
        [numbers['match_gt'].tolist()], [numbers['match_labels'].tolist()], [crowd]
    )

    matches = match_priors(priors, targets, MatchingOptions())

    labels = matches.labels[0]
    positive = (labels > 0).nonzero().squeeze(1)
    objects = matches.object_ids[0, positive]
    offsets = encode_boxes(matches.objects.boxes[objects], priors[positive])
    expected = {name: numbers[f'match_{variant}_{name}'] for name in ('pos', 'neutral', 'counts')}
    np.testing.assert_array_equal(positive, expected['pos'])
    np.testing.assert_array_equal(labels[positive], numbers[f'match_{variant}_pos_class'])
    np.testing.assert_array_equal(objects, numbers[f'match_{variant}_pos_gt'])
    np.testing.assert_allclose(offsets, numbers[f'match_{variant}_pos_loc'], atol=1e-5)
    np.testing.assert_array_equal((labels == -1).nonzero().squeeze(1), expected['neutral'])
    counts = [(labels > 0).sum(), (labels == 0).sum(), (labels < 0).sum()]
    assert counts == expected['counts'].tolist()
    assert matches.normalizer == len(positive)


@given(seed=st.integers(0, 10_000), objects=st.integers(1, 8), priors=st.integers(8, 40))
def test_matches_equal_the_definition_by_loops(seed, objects, priors):
    options = MatchingOptions(positive_iou=0.3, negative_iou=0.2)
    prior_boxes = random_boxes(seed, priors)
    boxes = cxcywh_to_xyxy(random_boxes(seed + 1, objects))
    states, expected = match_by_loops(
        pairwise_iou(boxes, cxcywh_to_xyxy(prior_boxes)).numpy().astype(np.float64), options
    )

    matches = match_priors(prior_boxes, make_targets([boxes.tolist()]), options)

    assert matches.labels[0].sign().tolist() == states
    positive = matches.labels[0] > 0
    assert matches.object_ids[0, positive].tolist() == [
        item for item, state in zip(expected, states, strict=True) if state == 1
    ]


def test_a_batch_is_matched_as_its_images_alone():
    priors = random_boxes(0, 60)
    crowd = [[[0.0, 0.0, 0.6, 0.6]], [], []]
    boxes = [cxcywh_to_xyxy(random_boxes(seed, count)) for seed, count in ((1, 5), (2, 0), (3, 2))]
    lists = [of_image.tolist() for of_image in boxes]

    together = match_priors(priors, make_targets(lists, crowd_boxes=crowd), MatchingOptions())

    first = 0
    for index, of_image in enumerate(lists):
        alone = match_priors(
            priors, make_targets([of_image], crowd_boxes=[crowd[index]]), MatchingOptions()
        )
        positive = alone.labels[0] > 0
        assert torch.equal(together.labels[index], alone.labels[0])
        assert torch.equal(
            together.object_ids[index, positive], alone.object_ids[0, positive] + first
        )
        first += len(of_image)


def test_every_object_has_a_prior_of_its_own():
    priors = torch.tensor([[0.5, 0.5, 0.2, 0.2], [0.1, 0.1, 0.1, 0.1]])
    same_box = [0.4, 0.4, 0.6, 0.6]

    matches = match_priors(priors, make_targets([[same_box, same_box]]), MatchingOptions())

    assert sorted(matches.object_ids[0].tolist()) == [0, 1]
    assert (matches.labels[0] > 0).all()


def test_without_objects_everything_is_background():
    priors = random_boxes(0, 5)
    matches = match_priors(priors, make_targets([[], []]), MatchingOptions())
    assert not matches.labels.any()
    assert matches.normalizer == 1


def test_a_box_without_area_matches_nothing():
    priors = random_boxes(0, 5)
    matches = match_priors(priors, make_targets([[[0.3, 0.3, 0.3, 0.7]]]), MatchingOptions())
    assert not (matches.labels > 0).any()


def test_priors_inside_a_crowd_are_ignored_unless_they_have_an_object():
    priors = torch.tensor([[0.2, 0.2, 0.2, 0.2], [0.3, 0.3, 0.2, 0.2], [0.8, 0.8, 0.2, 0.2]])
    box, crowd = [0.1, 0.1, 0.3, 0.3], [0.0, 0.0, 0.5, 0.5]

    matches = match_priors(
        priors, make_targets([[box]], [[6]], crowd_boxes=[[crowd]]), MatchingOptions()
    )

    assert matches.labels[0].tolist() == [7, -1, 0]


def test_offsets_of_a_match_decode_to_its_box():
    priors = random_boxes(4, 30)
    targets = make_targets([cxcywh_to_xyxy(random_boxes(5, 3)).tolist()])
    matches: Matches = match_priors(priors, targets, MatchingOptions())
    boxes = matches.objects.boxes[matches.object_ids[0]]
    assert torch.allclose(decode_boxes(encode_boxes(boxes, priors), priors), boxes, atol=1e-5)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'positive_iou': 0.3}, r'must rise within \(0, 1\], got 0.4 and 0.3'),
        ({'crowd_coverage': 0.0}, r'crowd_coverage must be in \(0, 1\], got 0.0'),
    ],
)
def test_thresholds_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        MatchingOptions(**options)
