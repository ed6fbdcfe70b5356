import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from yolact_core.masks.assembly import assemble_masks, combine_prototypes, crop_bounds, crop_masks
from yolact_core.masks.instance_masks import trim_mask
from yolact_core.masks.rle import mask_to_run_lengths

SIZES = [(48, 64), (97, 33), (20, 20), (7, 300)]


def full_frame_masks(prototypes, coefficients, boxes, size):
    """The definition: crop on the prototype grid, upsample the whole frame, threshold."""
    if len(boxes) == 0:
        return torch.zeros(0, *size, dtype=torch.bool)
    soft = combine_prototypes(prototypes, coefficients).sigmoid()
    cropped = crop_masks(soft, boxes).unsqueeze(0)
    return F.interpolate(cropped, size, mode='bilinear', align_corners=False)[0] > 0.5


def scene(seed, count, grid=(23, 23)):
    """Smooth prototypes and boxes, some of which leave the image or have no area."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 8, 5, 5, generator=generator)
    prototypes = F.interpolate(coarse, grid, mode='bilinear').relu()[0] + 0.01  # no logit is 0
    coefficients = 3 * torch.rand(count, 8, generator=generator) - 1
    corners = 1.4 * torch.rand(count, 2, 2, generator=generator) - 0.2
    boxes = torch.cat([corners.amin(1), corners.amax(1)], dim=1)
    boxes[::7, 2:] = boxes[::7, :2]
    return prototypes, coefficients, boxes


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 12), st.sampled_from(SIZES))
def test_masks_in_boxes_equal_masks_of_the_full_frame(seed, count, size):
    instances = scene(seed, count)
    found = assemble_masks(*instances, size).dense()
    expected = full_frame_masks(*instances, size).numpy()
    assert found.shape == expected.shape == (count, *size)
    assert all(differing <= 5 for differing in (found != expected).sum(axis=(1, 2)))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 12), st.sampled_from([*SIZES, (300, 400)]))
def test_runs_are_those_of_the_pixels_in_the_smallest_rectangle(seed, count, size):
    masks = assemble_masks(*scene(seed, count), size)
    for mask, runs, (crop, corner) in zip(masks.dense(), masks.run_lengths, masks, strict=True):
        expected_crop, expected_corner = trim_mask(mask)
        assert corner == expected_corner
        np.testing.assert_array_equal(crop, expected_crop)
        np.testing.assert_array_equal(runs, mask_to_run_lengths(expected_crop))


def test_a_box_outside_the_image_has_an_empty_mask():
    prototypes, coefficients = torch.ones(1, 10, 10), torch.tensor([[5.0]])
    masks = assemble_masks(prototypes, coefficients, torch.tensor([[1.3, 0, 1.6, 1]]), (50, 50))
    assert masks.areas().tolist() == [0]
    assert masks.crops[0].shape == (0, 0)


def test_a_mask_of_one_hot_cell_is_drawn_by_hand():
    """One cell of four pixels: bilinear weights stay above one half for its own pixels only."""
    prototypes = torch.full((1, 4, 4), -10.0)
    prototypes[0, 1, 2] = 10.0
    masks = assemble_masks(
        prototypes, torch.tensor([[1.0]]), torch.tensor([[0.0, 0, 1, 1]]), (16, 16)
    )
    expected = np.zeros((16, 16), dtype=bool)
    expected[4:8, 8:12] = (
        np.outer([0.625, 0.875, 0.875, 0.625], [0.625, 0.875, 0.875, 0.625]) > 0.5
    )
    np.testing.assert_array_equal(masks.dense()[0], expected)


def test_extreme_logits_neither_overflow_nor_warn():
    masks = assemble_masks(
        torch.tensor([1e30, -1e30]).view(1, 1, 2),
        torch.tensor([[1.0], [-1.0]]),
        torch.tensor([[0.0, 0, 1, 1]]).repeat(2, 1),
        (4, 4),
    )
    left = np.array([[True, True, False, False]] * 4)
    np.testing.assert_array_equal(masks.dense(), [left, ~left])


def test_memory_grows_with_the_boxes_not_with_the_image():
    count, size = 50, (1080, 1920)
    prototypes = torch.rand(8, 138, 138)
    coefficients = torch.randn(count, 8)
    corner = 0.9 * torch.rand(count, 2)
    boxes = torch.cat([corner, corner + 0.05], dim=1)
    assemble_masks(prototypes, coefficients, boxes, size)  # fills the cache of weights
    tracemalloc.start()
    assemble_masks(prototypes, coefficients, boxes, size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    pixels_in_boxes = count * 0.07 * 0.07 * size[0] * size[1]
    assert peak < 8 * pixels_in_boxes < count * size[0] * size[1] / 20


@pytest.mark.parametrize('padding', [0, 1])
def test_cropping_repeats_the_original(golden, padding):
    numbers = golden('boxes')
    masks = torch.from_numpy(numbers['crop_masks']).permute(2, 0, 1)
    expected = numbers['crop' if padding else 'crop_pad0']
    cropped = crop_masks(masks, torch.from_numpy(numbers['crop_boxes']), padding)
    np.testing.assert_array_equal(cropped.permute(1, 2, 0), expected)


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 12), st.sampled_from([0, 1, 2]))
def test_cropping_keeps_the_pixels_between_its_bounds(seed, count, padding):
    _, _, boxes = scene(seed, count)
    masks = torch.rand(count, 9, 14)
    cropped = crop_masks(masks, boxes, padding)
    for mask, crop, (x1, y1, x2, y2) in zip(
        masks, cropped, crop_bounds(boxes, 9, 14, padding).tolist(), strict=True
    ):
        for row in range(9):
            for column in range(14):
                inside = x1 <= column < x2 and y1 <= row < y2
                assert crop[row, column] == (mask[row, column] if inside else 0)


def test_cropping_passes_gradients_inside_the_box_only():
    masks = torch.ones(1, 4, 4, requires_grad=True)
    crop_masks(masks, torch.tensor([[0.0, 0.0, 0.5, 0.5]]), padding=0).sum().backward()
    expected = torch.zeros(1, 4, 4)
    expected[0, :2, :2] = 1
    torch.testing.assert_close(masks.grad, expected)


def test_trimming_keeps_all_foreground_and_nothing_else():
    mask = np.zeros((6, 8), dtype=bool)
    mask[2, 3] = mask[4, 6] = True
    crop, corner = trim_mask(mask, (100, 200))
    assert corner == (103, 202)
    np.testing.assert_array_equal(crop, mask[2:5, 3:7])
    assert trim_mask(np.zeros((3, 3), dtype=bool))[0].size == 0
