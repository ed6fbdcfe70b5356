import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from yolact_core.network.boxes import (
    cxcywh_to_xyxy,
    decode_boxes,
    encode_boxes,
    pairwise_coverage,
    pairwise_iou,
    xyxy_to_cxcywh,
)

unit = st.integers(1, 100).map(lambda percent: percent / 100)


@st.composite
def centre_boxes(draw, most=8):
    rows = draw(st.lists(st.tuples(unit, unit, unit, unit), min_size=0, max_size=most))
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def iou_by_hand(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    intersection = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    return intersection / union if union > 0 else 0.0


@given(centre_boxes())
def test_centre_form_and_corners_are_inverse(boxes):
    torch.testing.assert_close(xyxy_to_cxcywh(cxcywh_to_xyxy(boxes)), boxes, atol=1e-6, rtol=1e-5)


@given(st.data(), st.sampled_from(['offsets', 'distances']))
def test_decoding_undoes_encoding(data, coding):
    boxes = cxcywh_to_xyxy(data.draw(centre_boxes()))
    priors = data.draw(centre_boxes().filter(lambda rows: len(rows) > 0))
    priors = priors[torch.arange(len(boxes)) % len(priors)]
    decoded = decode_boxes(encode_boxes(boxes, priors, coding), priors, coding)
    torch.testing.assert_close(decoded, boxes, atol=1e-4, rtol=1e-4)


@given(centre_boxes(), centre_boxes())
def test_iou_follows_its_definition(boxes_cxcywh, others_cxcywh):
    boxes, others = cxcywh_to_xyxy(boxes_cxcywh), cxcywh_to_xyxy(others_cxcywh)
    expected = [[iou_by_hand(a, b) for b in others.tolist()] for a in boxes.tolist()]
    expected = torch.tensor(expected).reshape(len(boxes), len(others))
    torch.testing.assert_close(pairwise_iou(boxes, others), expected, atol=1e-4, rtol=1e-3)


def test_boxes_without_area_overlap_nothing():
    point = torch.tensor([[0.5, 0.5, 0.5, 0.5]])
    assert pairwise_iou(point, point).item() == 0
    assert pairwise_coverage(point, torch.tensor([[0.0, 0.0, 1.0, 1.0]])).item() == 0


def test_offsets_of_zero_decode_to_the_priors():
    priors = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    expected = torch.tensor([[0.4, 0.3, 0.6, 0.7]])
    torch.testing.assert_close(decode_boxes(torch.zeros(1, 4), priors), expected)


def test_distances_are_from_the_centre_of_the_prior_in_its_sides():
    priors = torch.tensor([[0.5, 0.5, 0.1, 0.2]])
    left, top, right, bottom = 1.0, 0.5, 2.0, 1.5
    found = decode_boxes(torch.tensor([[left, top, right, bottom]]), priors, 'distances')
    torch.testing.assert_close(found, torch.tensor([[0.4, 0.4, 0.7, 0.8]]))
    beyond = torch.tensor([[0.6, 0.4, 0.7, 0.8]])  # the centre is left of the box
    distances = encode_boxes(beyond, priors, 'distances')
    torch.testing.assert_close(distances, torch.tensor([[-1.0, 0.5, 2.0, 1.5]]))


@pytest.fixture(scope='module')
def numbers(golden):
    return {name: torch.from_numpy(np.asarray(value)) for name, value in golden('boxes').items()}


def test_box_coding_repeats_the_original(numbers):
    decoded = decode_boxes(numbers['loc'], numbers['priors'])
    torch.testing.assert_close(decoded, numbers['decode'], atol=1e-6, rtol=1e-5)
    encoded = encode_boxes(numbers['gt'], numbers['priors'])
    torch.testing.assert_close(encoded, numbers['encode'], atol=1e-4, rtol=1e-5)


def test_overlaps_repeat_the_original(numbers):
    a, b = numbers['box_a'], numbers['box_b']
    torch.testing.assert_close(pairwise_iou(a, b), numbers['jaccard'], atol=1e-6, rtol=1e-5)
    coverage = pairwise_coverage(a, b)
    torch.testing.assert_close(coverage, numbers['jaccard_crowd'], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(xyxy_to_cxcywh(a), numbers['center_size'], atol=1e-6, rtol=1e-5)
