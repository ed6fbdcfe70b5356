"""All that needs an NVIDIA GPU, in one run: speed, memory, agreement, TensorRT, and the tests.

Run with ``python benchmarks/gpu_checks.py``. It exits with 0 if every goal is met, with 1 if one
is not, and with 2 and one sentence where there is no GPU.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from gpu_scene import CANDIDATES, make_image, make_network
from torch import Tensor

from yolact_core import Detector
from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.benchmark.references import PlainBackend, PlainDetector
from yolact_core.errors import InputError
from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.inference.options import DetectorOptions
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.table import RUNTIMES
from yolact_core.runtimes.tensorrt.cuda_driver import describe_gpu

TESTS = ('test_cuda.py', 'test_tensorrt.py')
ROUNDS, WARM_UP = 100, 20
OPTIONS = {'score_threshold': 0.05, 'max_detections': 15}
FASTER, RATE, PEAK_GB, TOLERANCE = 5.0, 250.0, 1.0, 1e-3
HOPPER = (9, 0)  # the rate is a goal for cards of this class


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Args:
        what: Was checked.
        found: In words.
        goal: In words; empty if it is only reported.
        is_met: Whether the goal is; None if it could not be checked.
    """

    what: str
    found: str
    goal: str = ''
    is_met: bool | None = True

    def __str__(self) -> str:
        verdict = 'not checked' if self.is_met is None else 'ok' if self.is_met else 'MISSED'
        return f'{self.what:44}{self.found:>30}{self.goal:>22}  {verdict if self.goal else ""}'


@contextmanager
def graphs_off() -> Iterator[None]:
    """Call functions as they are."""
    recorded = CudaGraphs.run
    CudaGraphs.run = lambda self, key, function, *inputs: function(*inputs)  # type: ignore[method-assign]
    try:
        yield
    finally:
        CudaGraphs.run = recorded  # type: ignore[method-assign]


@contextmanager
def without_tf32() -> Iterator[None]:
    """Multiply in full float32."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def check_speed(image: npt.NDArray[np.uint8]) -> list[Check]:
    """Compare image to detections with the plain way, and with CUDA graphs switched off."""
    network = make_network(image).cuda()
    plain = PlainDetector(PlainBackend(network, torch.device('cuda')), DetectorOptions(**OPTIONS))
    ours = Detector(network, 'float16', **OPTIONS)
    bare = Detector(network, 'float16', **OPTIONS)

    def without_graphs() -> None:
        with graphs_off():
            bare(image)

    seconds = time_interleaved(
        {
            'plain': lambda: plain(image),
            'ours': lambda: ours(image),
            'without graphs': without_graphs,
        },
        ROUNDS,
        WARM_UP,
    )
    ratio, rate = seconds['plain'] / seconds['ours'], 1 / seconds['ours']
    is_hopper = torch.cuda.get_device_capability() >= HOPPER
    found = len(ours(image))
    stages = ours.timing
    return [
        Check('base float16, batch 1, image to detections', f'{1e3 * seconds["ours"]:.2f} ms'),
        Check('  candidates, instances', f'{CANDIDATES}, {found}'),
        Check('  the plain way', f'{1e3 * seconds["plain"]:.2f} ms'),
        Check('  times faster', f'{ratio:.1f}', f'>= {FASTER:g}', ratio >= FASTER),
        Check(
            '  images a second',
            f'{rate:.0f}',
            f'>= {RATE:g} (H100)',
            rate >= RATE or not is_hopper,
        ),
        Check('  without CUDA graphs', f'{1e3 * seconds["without graphs"]:.2f} ms'),
        *(
            Check(f'  {stage}', f'{1e3 * getattr(stages, stage):.2f} ms')
            for stage in ('preprocess', 'network', 'nms', 'masks')
        ),
    ]


def check_memory(image: npt.NDArray[np.uint8]) -> list[Check]:
    """Return the most memory that a detector takes, its weights included."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    detector = Detector(make_network(image).cuda(), 'float16', **OPTIONS)
    for _ in range(5):
        detector(image)
    peak = (torch.cuda.max_memory_reserved() - before) / 1e9
    return [
        Check('base float16, peak memory', f'{peak:.2f} GB', f'< {PEAK_GB:g} GB', peak < PEAK_GB)
    ]


def check_agreement(image: npt.NDArray[np.uint8]) -> list[Check]:
    """Compare the GPU's outputs and detections with the CPU's, in float32 without TF32."""
    network = make_network(image)
    on_cpu = Detector(network, 'float32', **OPTIONS)(image)
    side = network.config.input_size
    images = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), without_tf32():
        expected = network(images)
        network.cuda()
        largest = max(
            _distance(*pair) for pair in zip(network(images.cuda()), expected, strict=True)
        )
        detector = Detector(network, 'float32', **OPTIONS)
        on_gpu = [detector(image) for _ in range(3)][-1]
    is_same = len(on_gpu) == len(on_cpu) and bool(
        np.allclose(on_gpu.scores, on_cpu.scores, atol=TOLERANCE)
    )
    return [
        Check(
            'raw outputs, largest difference to the CPU',
            f'{largest:.1e}',
            f'<= {TOLERANCE:g}',
            largest <= TOLERANCE,
        ),
        Check('detections as on the CPU', 'yes' if is_same else 'no', 'yes', is_same),
    ]


def _distance(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference, relative to values above 1."""
    return float(((ours.cpu() - theirs).abs() / theirs.abs().clamp(min=1)).max())


def check_tensorrt(image: npt.NDArray[np.uint8]) -> list[Check]:
    """Build an engine here, run it, and compare it with PyTorch."""
    name = 'TensorRT float16, image to detections'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'base.engine'
        try:
            export_network(make_network(image), path, ExportOptions('tensorrt', 'float16'))
            backend = RUNTIMES['tensorrt'].open_model(path, torch.device('cuda'), 'auto')
        except InputError as error:
            return [Check(name, str(error), 'runs', None)]
    detector = Detector(backend, **OPTIONS)
    seconds = time_interleaved({'engine': lambda: detector(image)}, ROUNDS, WARM_UP)['engine']
    return [Check(name, f'{1e3 * seconds:.2f} ms', 'runs', True)]


def check_tests() -> list[Check]:
    """Run the tests that need a GPU."""
    folder = Path(__file__).parents[1] / 'test' / 'core'
    command = [sys.executable, '-m', 'pytest', '-q', *(str(folder / name) for name in TESTS)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = (finished.stdout.strip().splitlines() or ['pytest did not run'])[-1]
    return [Check(', '.join(TESTS), summary, 'all pass', finished.returncode == 0)]


def main() -> int:
    """Print the table and return the exit code."""
    if not torch.cuda.is_available():
        print(
            'an NVIDIA GPU and a PyTorch built for CUDA must be there, got none: nothing checked'
        )
        return 2
    print(f'{describe_gpu()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}')
    image = make_image()
    checks: list[Callable[[], list[Check]]] = [
        lambda: check_memory(image),
        lambda: check_speed(image),
        lambda: check_agreement(image),
        lambda: check_tensorrt(image),
        check_tests,
    ]
    lines = [line for check in checks for line in check()]
    for line in lines:
        print(line)
    return 1 if any(line.is_met is False for line in lines) else 0


if __name__ == '__main__':
    sys.exit(main())
