"""The loops in C against the same in NumPy and OpenCV: equal, bit by bit."""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from yolact_core.compiled import kernels
from yolact_core.inference.nms import select_candidates
from yolact_core.masks import rle, tracing
from yolact_core.network import scores
from yolact_core.visualization.tinting import tint_with_opencv

HEADER = Path(sysconfig.get_paths()['include'], 'Python.h')
needs_kernels = pytest.mark.skipif(kernels is None, reason='there was no compiler')
seeds = st.integers(0, 2**32 - 1)


def without_kernels(module, function, *arguments):
    """Return what a function does where nothing is compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, 'kernels', None)
        return function(*arguments)


@pytest.mark.skipif(
    not (shutil.which('cc') and HEADER.exists()), reason='needs a C compiler and Python.h'
)
def test_where_there_is_a_compiler_the_kernels_are_compiled():
    assert importlib.util.find_spec('yolact_core.compiled._kernels') is not None


@needs_kernels
@settings(max_examples=200)
@given(
    seeds,
    st.integers(0, 6),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_traced_masks_are_equal(seed, count, grid, size):
    rng = np.random.default_rng(seed)
    soft = rng.random((count, *grid), dtype=np.float32)
    soft = np.where(rng.random(soft.shape) < 0.2, np.float32(0.5), soft)  # just not above
    soft = np.where(rng.random(soft.shape) < 0.02, np.float32(np.nan), soft)
    x, y = (np.sort(rng.integers(0, side + 1, (count, 2)), axis=1) for side in grid[::-1])
    bounds = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)
    bounds[rng.random(count) < 0.1] = [3, 2, 1, 0]
    found = tracing.trace_masks(soft, bounds, size)
    expected = without_kernels(tracing, tracing.trace_masks, soft, bounds, size)
    np.testing.assert_array_equal(found.shapes, expected.shapes)
    np.testing.assert_array_equal(found.corners, expected.corners)
    for runs, expected_runs in zip(found.run_lengths, expected.run_lengths, strict=True):
        assert runs.dtype == expected_runs.dtype == np.uint32
        np.testing.assert_array_equal(runs, expected_runs)


@needs_kernels
@settings(max_examples=200)
@given(
    seeds,
    st.integers(0, 5),
    st.floats(0, 1),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_tinted_pixels_are_equal(seed, thickness, filled, shape):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
    dimmed = cv2.convertScaleAbs(image, alpha=0.6)
    share, color = (tuple(rng.integers(0, 256, 3).tolist()) for _ in range(2))
    crop = np.ascontiguousarray(rng.random(shape) < filled)
    crop[shape[0] // 4 :, : shape[1] // 2] = True  # large enough to have a core
    mask = crop, (int(rng.integers(0, 61 - shape[1])), int(rng.integers(0, 51 - shape[0])))
    found, expected = image.copy(), image.copy()
    kernels.tint(found, dimmed, mask, share, color, thickness)
    tint_with_opencv(expected, dimmed, mask, share, color, thickness)
    np.testing.assert_array_equal(found, expected)


@needs_kernels
@pytest.mark.parametrize('kind', ['softmax', 'sigmoid'])
@given(seeds, st.integers(0, 30), st.integers(1, 12), st.floats(0.01, 0.99))
def test_the_same_priors_may_score(kind, seed, priors, classes, threshold):
    generator = torch.Generator().manual_seed(seed)
    rows = 4 * torch.randn(priors, classes + 7, generator=generator)
    rows[torch.rand(rows.shape, generator=generator) < 0.02] = torch.inf
    logits = rows[:, 3 : classes + 4]  # rows lie apart, as those of merged heads do
    found = scores.may_score(logits, threshold, kind)
    expected = without_kernels(scores, scores.may_score, logits, threshold, kind)
    assert torch.equal(found, expected)


@needs_kernels
@pytest.mark.parametrize(
    'change', [torch.Tensor.half, torch.Tensor.double, lambda x: x.T.clone().T]
)
def test_other_logits_are_left_to_pytorch(change):
    logits = change(torch.tensor([[0.0, 9.0], [9.0, 0.0], [0.0, 1.0]]))
    assert scores.may_score(logits, 0.5).tolist() == [True, False, True]


@needs_kernels
def test_a_prior_that_is_not_a_number_is_no_candidate_with_kernels_either():
    logits = torch.tensor([[0.0, torch.nan, 9.0], [0.0, 9.0, 1.0], [torch.nan, 9.0, 9.0]])
    assert select_candidates(logits, 0.5)[0].tolist() == [1]
    assert without_kernels(scores, select_candidates, logits, 0.5)[0].tolist() == [1]


@needs_kernels
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(-1, 1))
def test_runs_are_filled_alike(runs, error):
    lengths, width = np.array(runs, np.uint32), sum(runs) + error
    results = []
    for decode in (
        lambda: rle.run_lengths_to_mask(lengths, 1, max(width, 0)),
        lambda: without_kernels(rle, rle.run_lengths_to_mask, lengths, 1, max(width, 0)),
    ):
        try:
            results.append(decode().tolist())
        except ValueError as reason:
            results.append(str(reason))
    assert results[0] == results[1]


@needs_kernels
def test_what_does_not_fit_is_refused():
    image, crop = np.zeros((4, 5, 3), np.uint8), np.ones((2, 2), np.bool_)
    red = (255, 0, 0)
    for corner in ((4, 0), (0, 3), (-1, 0), (0, -1), (2**63 - 1, 0)):
        with pytest.raises(ValueError, match='mask must lie inside the image'):
            kernels.tint(image, image.copy(), (crop, corner), red, red, 1)
    with pytest.raises(ValueError, match='mask must lie inside the image'):
        kernels.tint(image, image[:3].copy(), (crop, (0, 0)), red, red, 1)
    with pytest.raises(ValueError, match='mask must lie inside the image'):
        kernels.tint(image, image.copy(), (crop, (0, 0)), red, red, 2**62)
    with pytest.raises(ValueError, match='found bool'):
        kernels.may_score(np.zeros((3, 2), np.float32), 0.0, True, np.zeros(2, np.bool_))
    with pytest.raises(ValueError, match='logits must be float32'):
        kernels.may_score(np.zeros((2, 2)), 0.0, True, np.zeros(2, np.bool_))

    soft = np.ones((1, 4, 4), np.float32)
    for bounds in ([0, 0, 5, 4], [-1, 0, 2, 2], [0, 0, 4, 9]):
        with pytest.raises(ValueError, match='must fit each other'):
            tracing.trace_masks(soft, np.array([bounds], np.int64), (8, 8))
