"""A real node in its own process, and a tester in this one that publishes and listens."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_tester import NodeProcess, Tester

ROOT = Path(__file__).parents[2]

os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['FASTDDS_DEFAULT_PROFILES_FILE'] = str(ROOT / 'config' / 'fastdds.xml')

WHY_SKIPPED = 'needs ROS 2 and the built interfaces of this package: make setup'
DOMAINS = 100  # that leave the ports of Linux alone

_counter = itertools.count(os.getpid() * 7)


@pytest.fixture(scope='session')
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a small network with random weights that finds many things."""
    import torch

    from yolact_core import ModelConfig, build_network, save_checkpoint
    from yolact_core.config import AnchorConfig, BackboneConfig

    torch.manual_seed(1)
    config = ModelConfig.from_name('yolact_resnet18').replace(
        name='tiny',
        input_size=64,
        backbone=BackboneConfig('test_resnet', (2, 3, 4)),
        anchors=AnchorConfig(((12.0,), (24.0,), (36.0,), (48.0,), (60.0,))),
        class_names=('person', 'chair', 'cup'),
        feature_channels=16,
        prototypes=8,
    )
    network = build_network(config)
    with torch.no_grad():  # else all scores are about the same
        network.get_parameter('prediction_layers.0.conf_layer.weight').mul_(6)
    path = tmp_path_factory.mktemp('models') / 'tiny.safetensors'
    save_checkpoint(network, path)
    return path


@pytest.fixture(scope='session')
def photo() -> np.ndarray:
    """Return a smooth colourful image, RGB, shape (96, 128, 3)."""
    import cv2

    noise = np.random.default_rng(7).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(noise, (128, 96), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope='module')
def domain() -> int:
    """Return a ROS domain of this module's own."""
    return 1 + next(_counter) % DOMAINS


@pytest.fixture(scope='module')
def tester(domain: int) -> Iterator[Tester]:
    """Return a tester in the domain of the module."""
    pytest.importorskip('rclpy', reason=WHY_SKIPPED)
    pytest.importorskip('yolact.msg', reason=WHY_SKIPPED)
    tester = Tester(domain)
    yield tester
    tester.close()


@pytest.fixture(scope='module')
def start_node(
    domain: int, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., NodeProcess]]:
    """Start nodes that run the tiny model; all are stopped after the module."""
    processes: list[NodeProcess] = []
    folder = tmp_path_factory.mktemp('logs')

    def start(
        *arguments: str,
        environment: dict[str, str] | None = None,
        before: str = '',
        **parameters: Any,
    ) -> NodeProcess:
        given = {name.replace('__', '.'): value for name, value in parameters.items()}
        processes.append(
            NodeProcess(
                folder / f'{len(processes)}.log',
                domain,
                arguments,
                {'model.name': str(tiny_model), 'score_threshold': 0.05, **given},
                environment,
                before,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


@pytest.fixture
def make_image(photo: np.ndarray) -> Callable[..., Any]:
    """Make messages with the photo, or another picture."""
    from sensor_msgs.msg import Image

    def make(
        rgb: np.ndarray | None = None,
        stamp: float = 0.0,
        frame_id: str = 'camera',
        **fields: Any,
    ) -> Image:
        rgb = photo if rgb is None else rgb
        message = Image(
            height=rgb.shape[0], width=rgb.shape[1], encoding='rgb8', step=3 * rgb.shape[1]
        )
        message.data.frombytes(rgb.tobytes())
        message.header.frame_id = frame_id
        message.header.stamp.sec = int(stamp)
        message.header.stamp.nanosec = round((stamp - int(stamp)) * 1e9)
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    return make


@pytest.fixture
def run_bag(tiny_model: Path) -> Callable[..., int]:
    """Run ``yolact bag run`` with the tiny model, and return its exit status."""
    from yolact_core.cli import main

    def run(bag: Path, output: Path, *words: object) -> int:
        fixed = ('--model', tiny_model, '--device', 'cpu', '--score-threshold', 0.05)
        return main(['bag', 'run', *map(str, (bag, '--output', output, *fixed, *words))])

    return run


@pytest.fixture
def evaluate_bag(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run ``yolact bag evaluate``; return its exit status, figures and complaints."""
    from yolact_core.cli import main

    def run(bag: Path, *words: object, model: bool = True) -> tuple[int, Any, str]:
        fixed = ('--model', tiny_model, '--device', 'cpu') if model else ()
        status = main(['bag', 'evaluate', *map(str, (bag, *fixed, '--json', *words))])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return run
