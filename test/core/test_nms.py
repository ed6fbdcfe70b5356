import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from yolact_core.inference.nms import fast_nms, select_candidates, traditional_nms


def random_boxes(seed, count, classes, crowded=3):
    """Boxes in clusters, so that many overlap, and scores without ties."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand(crowded, 2, generator=generator)
    which = torch.randint(crowded, (count,), generator=generator)
    centre = centres[which] + 0.1 * torch.rand(count, 2, generator=generator)
    half = 0.05 + 0.1 * torch.rand(count, 2, generator=generator)
    ranks = torch.randperm(count * classes, generator=generator).view(count, classes)
    return torch.cat([centre - half, centre + half], 1), (ranks + 1) / (count * classes + 1)


def iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return width * height / (areas - width * height)


def fast_nms_by_loops(boxes, scores, iou_threshold, top_k, score_threshold, max_detections):
    boxes, found = boxes.double().tolist(), []
    for class_id in range(scores.shape[1]):
        ranked = sorted(range(len(boxes)), key=lambda box: -scores[box, class_id])[:top_k]
        for rank, box in enumerate(ranked):
            if all(iou(boxes[box], boxes[better]) <= iou_threshold for better in ranked[:rank]):
                found.append((scores[box, class_id].item(), box, class_id))
    found = [entry for entry in sorted(found, reverse=True) if entry[0] > score_threshold]
    return [(box, class_id) for _, box, class_id in found[:max_detections]]


def traditional_nms_by_loops(boxes, scores, iou_threshold, score_threshold, max_detections):
    boxes, found = boxes.double().tolist(), []
    grown = [[x1, y1, x2 + 1, y2 + 1] for x1, y1, x2, y2 in boxes]
    for class_id in range(scores.shape[1]):
        entrants = [box for box in range(len(boxes)) if scores[box, class_id] > score_threshold]
        stay = []
        for box in sorted(entrants, key=lambda box: -scores[box, class_id]):
            if all(iou(grown[box], grown[better]) < iou_threshold for better in stay):
                stay.append(box)
        found += [(scores[box, class_id].item(), box, class_id) for box in stay]
    return [(box, class_id) for _, box, class_id in sorted(found, reverse=True)[:max_detections]]


def as_pairs(kept, class_ids):
    return list(zip(kept.tolist(), class_ids.tolist(), strict=True))


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(0, 90),
    st.integers(1, 5),
    st.sampled_from([1, 5, 40, 200]),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([None, 1, 10, 100]),
)
def test_fast_nms_follows_its_definition(seed, count, classes, top_k, threshold, limit):
    boxes, scores = random_boxes(seed, count, classes)
    found = fast_nms(boxes, scores, 0.4, top_k, threshold, limit)
    expected = fast_nms_by_loops(boxes, scores, 0.4, top_k, threshold, limit)
    assert as_pairs(*found) == expected


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 90), st.integers(1, 5), st.sampled_from([0.5, 0.9]))
def test_boxes_that_score_too_little_drop_none_that_are_returned(seed, count, classes, threshold):
    boxes, scores = random_boxes(seed, count, classes)
    (candidates,) = (scores.amax(dim=1) > threshold).nonzero(as_tuple=True)
    kept, class_ids = fast_nms(boxes[candidates], scores[candidates], 0.4, 40, threshold)
    assert as_pairs(candidates[kept], class_ids) == as_pairs(
        *fast_nms(boxes, scores, 0.4, 40, threshold)
    )


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 40), st.integers(1, 4), st.sampled_from([None, 5]))
def test_traditional_nms_follows_its_definition(seed, count, classes, limit):
    boxes, scores = random_boxes(seed, count, classes)
    found = traditional_nms(boxes * 550, scores, 0.4, 0.2, limit)
    expected = traditional_nms_by_loops(boxes * 550, scores, 0.4, 0.2, limit)
    assert as_pairs(*found) == expected


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_fast_nms_never_keeps_more_than_greedy_nms_of_one_class(seed, count):
    """A dropped box still drops others, so what Fast NMS keeps, greedy NMS keeps too."""
    boxes, scores = random_boxes(seed, count, 1)
    kept = set(fast_nms(boxes, scores, 0.4)[0].tolist())
    order = scores[:, 0].argsort(descending=True).tolist()
    greedy = []
    for box in order:
        if all(iou(boxes[box].tolist(), boxes[other].tolist()) <= 0.4 for other in greedy):
            greedy.append(box)
    assert kept <= set(greedy)


def test_a_dropped_box_still_drops_others():
    chain = torch.tensor([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    scores = torch.tensor([[0.9], [0.8], [0.7]])
    assert fast_nms(chain, scores, 0.4)[0].tolist() == [0]
    assert traditional_nms(chain, scores, 0.4, 0.0)[0].tolist() == [0, 2]


def test_of_equal_boxes_with_equal_scores_one_stays():
    boxes = torch.tensor([[0.0, 0, 1, 1]]).repeat(5, 1)
    kept, _ = fast_nms(boxes, torch.full((5, 1), 1.0), 0.5)
    assert len(kept) == 1


@pytest.mark.parametrize('classes', [1, 80])
def test_no_boxes_give_no_detections(classes):
    nothing = torch.empty(0, 4), torch.empty(0, classes)
    for kept, class_ids in (fast_nms(*nothing, 0.5), traditional_nms(*nothing, 0.5, 0.05)):
        assert kept.shape == class_ids.shape == (0,)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.05, 0.3, 0.9]), st.integers(1, 20))
def test_candidates_are_those_whose_best_score_is_above_the_threshold(seed, threshold, classes):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(200, classes + 1, generator=generator)
    candidates, scores = select_candidates(logits, threshold)
    expected = logits.softmax(dim=1)[:, 1:]
    assert candidates.tolist() == (expected.amax(1) > threshold).nonzero().flatten().tolist()
    torch.testing.assert_close(scores, expected[candidates])


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.05, 0.3, 0.9]), st.integers(1, 20))
def test_candidates_of_sigmoids_are_those_above_the_plain_threshold(seed, threshold, classes):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(200, classes, generator=generator)
    logits[:100] = math.log(threshold / (1 - threshold)) + logits[:100] / 1e4  # close calls
    candidates, scores = select_candidates(logits, threshold, kind='sigmoid')
    expected = logits.sigmoid()
    assert candidates.tolist() == (expected.amax(1) > threshold).nonzero().flatten().tolist()
    torch.testing.assert_close(scores, expected[candidates])


def test_unwanted_classes_make_no_candidates_of_sigmoids():
    logits = torch.tensor([[9.0, -9.0], [-9.0, 9.0]])
    candidates, scores = select_candidates(logits, 0.5, torch.tensor([0.0, 1.0]), 'sigmoid')
    assert candidates.tolist() == [1]
    assert scores[0, 0] == 0


def test_a_prior_right_at_the_threshold_is_no_candidate():
    logits = torch.tensor([[0.0, 0.0]])  # a score of exactly one half
    assert len(select_candidates(logits, 0.5)[0]) == 0
    assert len(select_candidates(logits, 0.499)[0]) == 1


@pytest.fixture(scope='module')
def numbers(golden):
    return golden('nms')


@pytest.mark.parametrize(
    ('variant', 'options'),
    [
        ('fast', {'max_detections': 100}),
        ('fast_second', {'max_detections': 100, 'score_threshold': 0.05}),
        ('fast_top20', {'max_detections': 100, 'top_k': 20}),
        ('fast_iou03', {'max_detections': 100, 'iou_threshold': 0.3}),
        ('fast_nolimit_top50', {'top_k': 50, 'score_threshold': 0.05}),
    ],
)
def test_fast_nms_repeats_the_original(numbers, variant, options):
    boxes, scores = candidates_of(numbers)
    kept, class_ids = fast_nms(boxes, scores, **{'iou_threshold': 0.5, **options})
    assert_same(numbers, variant, kept, class_ids)


@pytest.mark.parametrize(('variant', 'top_k'), [('cross', 200), ('cross_top1000', 1000)])
def test_class_agnostic_fast_nms_repeats_the_original(numbers, variant, top_k):
    boxes, scores = candidates_of(numbers)
    best_scores, best_class = scores.max(dim=1, keepdim=True)
    kept, _ = fast_nms(boxes, best_scores, 0.5, top_k)
    assert_same(numbers, variant, kept, best_class[kept, 0])


@pytest.mark.parametrize(('variant', 'limit'), [('trad', 100), ('trad_nolimit', None)])
def test_traditional_nms_repeats_the_original(numbers, variant, limit):
    boxes, scores = candidates_of(numbers)
    kept, class_ids = traditional_nms(boxes * 550, scores, 0.5, 0.05, limit)
    assert_same(numbers, variant, kept, class_ids)


def test_the_example_drawn_by_hand_repeats_the_original(numbers):
    boxes = torch.from_numpy(numbers['hand_boxes'])
    scores = torch.from_numpy(numbers['hand_scores']).T
    assert_same(numbers, 'hand_fast', *fast_nms(boxes, scores, 0.5))
    assert_same(numbers, 'hand_trad', *traditional_nms(boxes * 550, scores, 0.5, 0.05))


def candidates_of(numbers):
    """Return what passes the candidate threshold; all golden boxes keep their index."""
    boxes, scores = torch.from_numpy(numbers['boxes']), torch.from_numpy(numbers['scores']).T
    scores = torch.where(scores.amax(dim=1, keepdim=True) > 0.05, scores, torch.zeros(()))
    return boxes, scores


def assert_same(numbers, variant, kept, class_ids):
    expected = zip(numbers[f'{variant}_index'], numbers[f'{variant}_class'], strict=True)
    expected = {(int(index), int(class_id)) for index, class_id in expected}
    assert set(as_pairs(kept, class_ids)) == expected
    assert len(kept) == len(numbers[f'{variant}_index'])
    assert isinstance(kept, torch.Tensor)
    assert np.all(np.diff(numbers[f'{variant}_score']) <= 1e-6)
