"""Time of one image through the network by backend, run in turn: wall clock and processor.

    python benchmarks/backends.py [--threads 2] [--rounds 15] [--busy 1] [--models NAME,...]

Weights are random (the time does not depend on them) and int8 is calibrated with the pictures of
``test/data/real_rooms``. ``onnx, spinning`` is ONNX Runtime as it comes, whose threads never
sleep. ``--busy`` adds processes that take a core each, as other nodes of a robot do.
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnxruntime
import torch

from yolact_core import ModelConfig, build_network
from yolact_core.runtimes import Backend, TorchBackend
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.model_loading import load_backend
from yolact_core.runtimes.onnx import OnnxBackend

PICTURES = Path(__file__).parents[1] / 'test' / 'data' / 'real_rooms'
FILES = {
    'onnx': ExportOptions('onnx'),
    'openvino': ExportOptions('openvino'),
    'openvino, int8': ExportOptions('openvino', 'int8', PICTURES),
}
SUFFIX = {'onnx': '.onnx', 'openvino': '.xml'}
WARM_UP = 2


def small_config() -> ModelConfig:
    """Return the configuration of a small model for robots without a GPU."""
    config = ModelConfig.from_name('yolact_efficientnet_lite0')
    return config.replace(input_size=320, feature_channels=96)


MODELS = {
    'yolact_resnet50': lambda: ModelConfig.from_name('yolact_resnet50'),
    'small': small_config,
}


def make_backends(config: ModelConfig, folder: Path) -> dict[str, Backend]:
    """Return the same network in every backend of this machine."""
    network = build_network(config)
    backends: dict[str, Backend] = {}
    for name, options in FILES.items():
        path = folder / f'{name}{SUFFIX[options.runtime]}'
        export_network(network, path, options)
        backends[name] = load_backend(path, 'cpu')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        str(folder / 'onnx.onnx'), options, ['CPUExecutionProvider']
    )
    card = backends['onnx'].card  # type: ignore[attr-defined]
    backends['onnx, spinning'] = OnnxBackend(session, card, torch.device('cpu'), 'float32')
    return {'torch': TorchBackend(network), **backends}


def measure(backends: dict[str, Backend], rounds: int) -> dict[str, tuple[float, float]]:
    """Return median seconds of an image by backend: wall clock, and processor of all threads."""
    side = backends['torch'].config.input_size
    images = torch.rand(1, 3, side, side).to(memory_format=torch.channels_last)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in backends}
    with torch.inference_mode():
        for _ in range(WARM_UP + rounds):
            for name, backend in backends.items():
                wall, processor = time.perf_counter(), time.process_time()
                backend(images)
                ended = time.perf_counter(), time.process_time()
                time.sleep(0.01)  # let threads that spin come to rest
                seconds[name].append((ended[0] - wall, ended[1] - processor))
    return {
        name: tuple(statistics.median(column) for column in zip(*values[WARM_UP:], strict=True))
        for name, values in seconds.items()
    }


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many cores busy meanwhile."""
    others = [multiprocessing.Process(target=spin, daemon=True) for _ in range(count)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


def spin() -> None:
    """Work without end."""
    while True:
        pass


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--busy', type=int, default=0)
    parser.add_argument('--models', default=','.join(MODELS))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.models.split(','):
        config = MODELS[name]()
        with tempfile.TemporaryDirectory() as folder:
            backends = make_backends(config, Path(folder))
            with busy_processes(arguments.busy):
                times = measure(backends, arguments.rounds)
        plain_wall, plain_processor = times['torch']
        print(
            f'\n{name}, {config.input_size} px, {arguments.threads} threads, '
            f'{arguments.busy} busy processes'
        )
        print(f'{"backend":<18}{"ms":>9}{"faster":>9}{"CPU ms":>9}{"less CPU":>10}')
        for backend, (wall, processor) in times.items():
            print(
                f'{backend:<18}{1000 * wall:>9.1f}{plain_wall / wall:>8.2f}x'
                f'{1000 * processor:>9.1f}{plain_processor / processor:>9.2f}x'
            )


if __name__ == '__main__':
    main()
