"""Ours beside what users would pick instead, image to masks, in turn on the same image.

``python benchmarks/peers.py`` in an environment that has the packages of ``peer_packages.py``
beside this one; none is a dependency, and what is not installed is left out with a sentence.
Weights are random: times are those of real ones, and accuracy is what was published.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from peer_networks import Image, Masks, Peer
from peer_packages import Mask2Former, RfDetr, Yolo11, Yolo26

from yolact_core.benchmark.benchmark import PAUSE, describe_machine
from yolact_core.benchmark.measuring import run_rounds
from yolact_core.benchmark.report import Spread
from yolact_core.benchmark.variants import Opener, Variant
from yolact_core.benchmark.workload import Workload, draw_images
from yolact_core.checkpoints.checkpoint import load_network, save_checkpoint, save_random
from yolact_core.checkpoints.model_zoo import OFFICIAL_MODELS, cache_folder
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.network.yolact import resize_network

CPU = torch.device('cpu')
VGA = (480, 640)
WARM_UP = 2  # images
Key = tuple[str, str]  # name and precision
PRECISIONS = ('float32', 'bfloat16', 'int8')
OURS = 'Apache-2.0'
SMALL, LARGE = 'coco 416', 'yolact_resnet50 550'  # which all are compared with
SIDES = {'coco': (416, 320, 640), 'indoor': (416,), 'yolact_resnet50': (550,)}
PEERS: tuple[tuple[type[Peer], Mapping[int, str]], ...] = (  # published mask AP by side of input
    (Yolo11, {320: '', 416: '', 640: '32.0'}),  # docs.ultralytics.com/models/yolo11
    (Yolo26, {320: '', 416: '', 640: '33.9'}),  # docs.ultralytics.com/tasks/segment
    # rfdetr.roboflow.com/latest/learn/benchmarks
    (RfDetr, {312: '40.3'}),
    (Mask2Former, {544: '45.0 at 800'}),  # MODEL_ZOO.md of facebookresearch/Mask2Former
)
MASK_RCNN = {550: '34.6 at 800'}  # MaskRCNN_ResNet50_FPN_Weights of torchvision


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Args:
        name: Name and side of the input.
        licence: Licence of code and weights.
        mask_ap: Mask AP on COCO as published, in percent; empty where nobody published any.
        parameters: Number of parameters.
        precision: Precision of the arithmetic; the runtime is OpenVINO unless the name says more.
        find: Function that turns an image, (H, W, 3), into masks, (N, H, W).
    """

    name: str
    licence: str
    mask_ap: str
    parameters: int
    precision: str
    find: Callable[[Image], Masks]

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.name, self.precision


def open_ours(opener: Opener, precision: str) -> Iterator[Contender]:
    """Load our models at all sizes of input."""
    for model, sides in SIDES.items():
        official = OFFICIAL_MODELS.get(model)
        source = str(save_random(model, opener.folder)) if official else model
        for side in sides:
            network = resize_network(load_network(source), side)
            path = opener.folder / f'{network.config.name}.safetensors'
            save_checkpoint(network, path)
            find = opener.open(Variant(str(path), 'openvino', precision)).find
            yield Contender(
                f'{model} {side}',
                OURS,
                str(official.mask_ap) if official else '',
                sum(one.numel() for one in network.parameters()),
                precision,
                partial(_dense, find),
            )


def open_peers(opener: Opener, precision: str) -> Iterator[Contender]:
    """Load what is installed of others; say of the rest why it is left out."""
    for kind, published in PEERS:
        for side, mask_ap in published.items():
            try:
                peer = kind(side, precision, opener.folder, opener.workload.images)
            except InputError as error:
                print(f'left out: {error}')
                break
            yield Contender(
                f'{peer.title} {side}',
                peer.licence,
                mask_ap,
                peer.parameters,
                precision,
                peer,
            )
    if precision != 'float32':
        return
    for side, mask_ap in MASK_RCNN.items():
        reference = opener.open(Variant('torchvision', f'mask_rcnn_{side}')).find
        name = f'Mask R-CNN R50-FPN {side} (PyTorch)'
        yield Contender(name, 'BSD-3', mask_ap, 44_401_393, precision, reference)


def measure(
    contenders: Sequence[Contender], images: Sequence[Image], rounds: int, seconds: float
) -> dict[Key, list[tuple[float, int]]]:
    """Return seconds and number of masks of each in each round, by name and precision."""

    def once(contender: Contender, number: int) -> tuple[float, int]:
        start = time.perf_counter()
        masks = contender.find(images[number % len(images)])
        return time.perf_counter() - start, len(masks)

    for contender in contenders:
        for number in range(WARM_UP):
            once(contender, number)
    measures = {one.key: partial(once, one) for one in contenders}
    return run_rounds(measures, rounds, seconds, PAUSE)


def say_table(
    contenders: Sequence[Contender], samples: Mapping[Key, Sequence[tuple[float, int]]]
) -> None:
    """Print a table in Markdown."""
    titles = ('network, input', 'licence', 'mask AP', 'parameters', 'precision', 'masks', 'ms')
    columns = (*titles, f'times {SMALL}', f'times {LARGE}')
    print('| ' + ' | '.join(columns) + ' |\n' + '|---' * len(columns) + '|')
    for one in contenders:
        seconds, counts = zip(*samples[one.key], strict=True)
        cells = (
            one.name,
            one.licence,
            one.mask_ap or '-',
            f'{one.parameters / 1e6:.1f} M',
            one.precision,
            f'{np.mean(counts):.0f}',
            f'{1000 * np.median(seconds):.1f}',
            *(_ratio(samples, one.key, ours) for ours in (SMALL, LARGE)),
        )
        print('| ' + ' | '.join(cells) + ' |')


def _ratio(samples: Mapping[Key, Sequence[tuple[float, int]]], key: Key, ours: str) -> str:
    if key[0] == ours:
        return '1'
    pairs = zip(samples[key], samples[ours, key[1]], strict=True)
    spread = Spread.of([theirs / own for (theirs, _), (own, _) in pairs])
    return f'{spread.median:.2f} ({spread.low:.2f} to {spread.high:.2f})'


def _dense(find: Detector, image: Image) -> Masks:
    return find(image).masks.dense()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--precisions', nargs='+', choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=30)
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--folder', type=Path, default=cache_folder() / 'peers')
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    images = draw_images(VGA, 1)  # on which thresholds are found, too
    arguments.folder.mkdir(parents=True, exist_ok=True)
    opener = Opener(Workload(images), CPU, arguments.folder)
    contenders = [
        contender
        for precision in arguments.precisions
        for open_all in (open_ours, open_peers)
        for contender in open_all(opener, precision)
    ]
    samples = measure(contenders, images, arguments.rounds, arguments.seconds)
    machine = describe_machine(CPU)
    rounds = len(next(iter(samples.values())))
    print(f'{machine["cpu"]}, {machine["threads"]} threads; 640x480, {rounds} rounds')
    say_table(contenders, samples)


if __name__ == '__main__':
    main()
