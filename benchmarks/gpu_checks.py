"""All that needs an NVIDIA GPU, in one run: speed, memory, agreement, TensorRT, and the tests.

Run with ``python benchmarks/gpu_checks.py``. It exits with 0 if every goal is met, with 1 if one
is not, and with 2 and one sentence where there is no GPU. ``--device cpu`` runs all of it that can
run without one, to see that it does; its times mean nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from cpu_checks import Goal, report_goals
from torch import Tensor

from yolact_core import Detector, Yolact, build_network
from yolact_core.benchmark.measuring import time_interleaved
from yolact_core.benchmark.references import PlainBackend, PlainDetector
from yolact_core.config import ScoreKind
from yolact_core.errors import InputError
from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.inference.options import DetectorOptions
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.network.scores import class_scores
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.registry import RUNTIMES
from yolact_core.runtimes.tensorrt.cuda_driver import describe_gpu

IMAGE_SIZE = (480, 640)
CANDIDATES = 300
THRESHOLD = 0.05
STEPS = 30  # of bisection
TESTS = ('test_cuda.py', 'test_tensorrt.py')
ROUNDS, WARM_UP = 100, 20
OPTIONS = {'score_threshold': THRESHOLD, 'max_detections': 15}
FASTER, RATE, PEAK_GB, TOLERANCE = 5.0, 250.0, 1.0, 1e-3
HOPPER = (9, 0)  # the rate is a goal for cards of this class


def make_image() -> npt.NDArray[np.uint8]:
    """Return a smooth colourful picture."""
    coarse = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(0)) * 255
    image = F.interpolate(coarse, IMAGE_SIZE, mode='bilinear')[0].permute(1, 2, 0)
    return image.byte().contiguous().numpy()


@torch.no_grad()
def make_network(image: npt.NDArray[np.uint8], name: str) -> Yolact:
    """Return a network with random weights that finds ``CANDIDATES`` in an image."""
    torch.manual_seed(0)
    network = build_network(name)
    kind = network.config.scores
    layers = dict(network.named_parameters())
    for key, weight in layers.items():
        if key.endswith('conf_layer.weight'):
            weight.mul_(6)
    logits = network(Preprocessor(network.config)([image])).class_logits[0]
    low, high = -100.0, 100.0
    for _ in range(STEPS):
        shift = (low + high) / 2
        best_scores = class_scores(_silence(logits, shift, kind), kind).amax(dim=1)
        if int((best_scores > THRESHOLD).sum()) > CANDIDATES:
            low = shift
        else:
            high = shift
    for key, bias in layers.items():
        if key.endswith('conf_layer.bias'):
            rows = bias.view(-1, logits.shape[1] if kind == 'softmax' else len(bias))
            rows.copy_(_silence(rows, high, kind))
    return network


def _silence(logits: Tensor, shift: float, kind: ScoreKind) -> Tensor:
    """Return class logits of rows, (N, ...), of which less is found."""
    if kind == 'sigmoid':
        return logits - shift
    return torch.cat([logits[:, :1] + shift, logits[:, 1:]], dim=1)


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


def check_speed(image: npt.NDArray[np.uint8], network: Yolact, rounds: int) -> list[Goal]:
    """Compare image to detections with the plain way, and with CUDA graphs switched off."""
    device, name = network.priors.device, network.config.name
    plain = PlainDetector(PlainBackend(network, device), DetectorOptions(**OPTIONS))
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
        rounds,
        min(rounds, WARM_UP),
    )
    ratio, rate = seconds['plain'] / seconds['ours'], 1 / seconds['ours']
    is_hopper = device.type == 'cuda' and torch.cuda.get_device_capability(device) >= HOPPER
    is_fast = rate >= RATE or not is_hopper
    found = len(ours(image))
    stages = ours.timing
    return [
        Goal(f'{name} float16, image to detections', '', _milliseconds(seconds['ours'])),
        Goal('  candidates, instances', '', f'{CANDIDATES}, {found}'),
        Goal('  the plain way', '', _milliseconds(seconds['plain'])),
        Goal('  times faster', f'>= {FASTER:g}', f'{ratio:.1f}', ratio >= FASTER),
        Goal('  images a second', f'>= {RATE:g} (H100)', f'{rate:.0f}', is_fast),
        Goal('  without CUDA graphs', '', _milliseconds(seconds['without graphs'])),
        *(
            Goal(f'  {stage}', '', _milliseconds(getattr(stages, stage)))
            for stage in ('preprocess', 'network', 'nms', 'masks')
        ),
    ]


def _milliseconds(seconds: float) -> str:
    return f'{1e3 * seconds:.2f} ms'


def check_memory(image: npt.NDArray[np.uint8], network: Yolact) -> list[Goal]:
    """Return the most memory that a detector takes on the GPU, its weights included."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    detector = Detector(network.cuda(), 'float16', **OPTIONS)
    for _ in range(5):
        detector(image)
    peak = (torch.cuda.max_memory_reserved() - before) / 1e9
    name = f'{network.config.name} float16, peak memory'
    return [Goal(name, f'< {PEAK_GB:g} GB', f'{peak:.2f} GB', peak < PEAK_GB)]


def check_agreement(
    image: npt.NDArray[np.uint8], network: Yolact, device: torch.device
) -> list[Goal]:
    """Compare the GPU's outputs and detections with the CPU's, in float32 without TF32."""
    network = network.cpu()
    on_cpu = Detector(network, 'float32', **OPTIONS)(image)
    side = network.config.input_size
    images = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), without_tf32():
        expected = network(images)
        found = network.to(device)(images.to(device))
        largest = max(_distance(*pair) for pair in zip(found, expected, strict=True))
        detector = Detector(network, 'float32', **OPTIONS)
        on_gpu = [detector(image) for _ in range(3)][-1]
    is_same = len(on_gpu) == len(on_cpu) and bool(
        np.allclose(on_gpu.scores, on_cpu.scores, atol=TOLERANCE)
    )
    return [
        Goal(
            'raw outputs, largest difference to the CPU',
            f'<= {TOLERANCE:g}',
            f'{largest:.1e}',
            largest <= TOLERANCE,
        ),
        Goal('detections as on the CPU', 'yes', 'yes' if is_same else 'no', is_same),
    ]


def _distance(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference, relative to values above 1."""
    return float(((ours.cpu() - theirs).abs() / theirs.abs().clamp(min=1)).max())


def check_tensorrt(image: npt.NDArray[np.uint8], network: Yolact, rounds: int) -> list[Goal]:
    """Build an engine here, and run it."""
    name = 'TensorRT float16, image to detections'
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'base.engine'
        try:
            export_network(network.cpu(), path, ExportOptions('tensorrt', 'float16'))
            backend = RUNTIMES['tensorrt'].open_model(path, torch.device('cuda'), 'auto')
        except InputError as error:
            return [Goal(name, 'runs', str(error))]
    detector = Detector(backend, **OPTIONS)
    seconds = time_interleaved({'engine': lambda: detector(image)}, rounds, WARM_UP)['engine']
    return [Goal(name, 'runs', _milliseconds(seconds), is_met=True)]


def check_tests() -> list[Goal]:
    """Run the tests that need a GPU."""
    folder = Path(__file__).parents[1] / 'test' / 'core'
    command = [sys.executable, '-m', 'pytest', '-q', *(str(folder / name) for name in TESTS)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = (finished.stdout.strip().splitlines() or ['pytest did not run'])[-1]
    return [Goal(', '.join(TESTS), 'all pass', summary, finished.returncode == 0)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda')
    parser.add_argument('--config', default='yolact_base')
    parser.add_argument('--rounds', type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    is_cuda = options.device == 'cuda'
    if is_cuda and not torch.cuda.is_available():
        print('an NVIDIA GPU and a PyTorch with CUDA must be there, got none: nothing checked')
        return 2
    print(f'{describe_gpu()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}')
    image, device = make_image(), torch.device(options.device)
    network = make_network(image, options.config)
    goals = [
        *(check_memory(image, network) if is_cuda else ()),
        *check_speed(image, network.to(device), options.rounds),
        *check_agreement(image, network, device),
        *check_tensorrt(image, network, options.rounds),
        *(check_tests() if is_cuda else ()),
    ]
    report_goals(goals)
    return 1 if any(goal.is_met is False for goal in goals) else 0


if __name__ == '__main__':
    sys.exit(main())
