"""Loops in C against the same in NumPy, OpenCV and PyTorch: a frame of 1280x720 with 20 instances.

Run with ``make bench``. Both take their turns; results are equal, which tests see to.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest import mock

import torch
from nodes import HEIGHT, WIDTH, make_picture, make_scene, save_model

from yolact_core import load_network
from yolact_core.benchmark.measuring import run_rounds
from yolact_core.compiled import kernels
from yolact_core.detections import Detections
from yolact_core.inference.options import DetectorOptions
from yolact_core.inference.postprocessing import Postprocessor
from yolact_core.masks import rle, tracing
from yolact_core.masks.assembly import combine_prototypes, crop_bounds
from yolact_core.network import Prediction, scores
from yolact_core.threads import single_thread
from yolact_core.timing import Clock
from yolact_core.visualization import draw_overlay, overlay

ROUNDS = 200
SIZE = (HEIGHT, WIDTH)


def works(prediction: Prediction, found: Detections) -> dict[str, Callable[[], object]]:
    """Return what is timed by its name."""
    coefficients, boxes = torch.from_numpy(found.coefficients), torch.from_numpy(found.boxes)
    logits, prototypes = prediction.class_logits[0], prediction.prototypes[0]
    soft = combine_prototypes(prototypes, coefficients).sigmoid()
    fractions = boxes / torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])
    bounds = crop_bounds(fractions, *soft.shape[1:]).clamp(min=0).ceil().long().numpy()
    rgb = make_picture()
    return {
        'rule out priors': lambda: scores.may_score(logits, 0.05),
        'trace masks': lambda: tracing.trace_masks(soft.numpy(), bounds, SIZE),
        'decode masks': lambda: list(found.masks),
        'draw overlay': lambda: draw_overlay(rgb, found),
    }


@contextmanager
def use_kernels(present: ModuleType | None) -> Iterator[None]:
    """Let all modules that have kernels use these, or none."""
    with ExitStack() as stack:
        for module in (overlay, rle, scores, tracing):
            stack.enter_context(mock.patch.object(module, 'kernels', present))
        yield


def seconds_of(work: Callable[[], object], present: ModuleType | None, _round: int) -> float:
    """Return how long something takes with these kernels, or without any."""
    with use_kernels(present):
        began = time.perf_counter()
        work()
        return time.perf_counter() - began


@single_thread()
def main() -> None:
    """Print the table."""
    if kernels is None:
        sys.exit('kernels must be compiled: install a C compiler, then yolact once more')
    with tempfile.TemporaryDirectory() as folder:
        model = save_model(Path(folder))
        prediction, network = make_scene(model), load_network(model)
    detect = Postprocessor(network.config, network.priors, network.rescore)
    with torch.inference_mode():
        (found,) = detect(prediction, [SIZE], DetectorOptions(), Clock(torch.device('cpu')))
        print(f'{WIDTH}x{HEIGHT}, {len(found)} instances, {ROUNDS} rounds, ms, median')
        print(f'{"":18}{"without":>12}{"compiled":>12}{"ratio":>10}')
        for name, work in works(prediction, found).items():
            measures = {present: partial(seconds_of, work, present) for present in (None, kernels)}
            samples = run_rounds(measures, ROUNDS, seconds=float('inf'))
            plain, compiled = (1000 * statistics.median(one) for one in samples.values())
            print(f'{name:18}{plain:12.2f}{compiled:12.2f}{plain / compiled:10.2f}')


if __name__ == '__main__':
    main()
