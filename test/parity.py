"""Small golden numbers of our own, so that a clone without the original's still tests parity.

``python test/parity.py FOLDER`` writes ``test/data/parity.npz`` with the network of today, given
the original's golden numbers in FOLDER, whose calibrated weights it takes over. Run it only when
the tests against those pass.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from yolact_core import Detector, Prediction, Yolact, build_network
from yolact_core.checkpoints.state_dicts import load_weights
from yolact_core.inference.preprocessing import Preprocessor

PARITY_FILE = Path(__file__).parent / 'data' / 'parity.npz'
PARITY_CONFIGS = (
    'yolact_im400',
    'yolact_plus_resnet50',
    'yolact_resnet50',
    'yolact_resnet50_pascal',
)
SIZE = (240, 320)
OVERRIDE = 'override__'


def weight_from_name(key: str, shape: list[int], multiplier: float = 1.0) -> np.ndarray:
    """Draw one weight from a generator that its own name seeds."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    leaf = key.rsplit('.', 1)[-1]
    if leaf == 'num_batches_tracked':
        return np.zeros(shape, dtype=np.int64)
    if leaf == 'running_var' or (leaf == 'weight' and len(shape) == 1):
        return generator.uniform(0.5, 1.5, shape).astype(np.float32)
    if leaf in ('running_mean', 'bias'):
        return (0.1 * generator.standard_normal(shape)).astype(np.float32)
    fan_in = np.prod(shape[1:])
    return (generator.standard_normal(shape) * (multiplier / np.sqrt(fan_in))).astype(np.float32)


def weights_from_names(
    shapes: Mapping[str, list[int]],
    multipliers: Mapping[str, float],
    overrides: Mapping[str, np.ndarray],
) -> dict[str, torch.Tensor]:
    """Draw all weights of a network but those that are given."""
    weights = {
        key: torch.from_numpy(weight_from_name(key, shape, multipliers.get(key, 1.0)))
        for key, shape in shapes.items()
    }
    return weights | {key: torch.from_numpy(value) for key, value in overrides.items()}


def overrides_in(numbers: Mapping[str, Any], prefix: str = OVERRIDE) -> dict[str, np.ndarray]:
    """Return the weights that a file of golden numbers gives as arrays."""
    return {
        name.removeprefix(prefix): value
        for name, value in numbers.items()
        if name.startswith(prefix)
    }


def network_from_names(
    name: str, multipliers: Mapping[str, float], overrides: Mapping[str, np.ndarray]
) -> Yolact:
    """Build a network whose weights come from their names."""
    network = build_network(name)
    shapes = {key: list(value.shape) for key, value in network.state_dict().items()}
    load_weights(network, weights_from_names(shapes, multipliers, overrides))
    return network


def parity_image() -> np.ndarray:
    """Return an image of coloured squares, RGB."""
    squares = np.random.Generator(np.random.PCG64(7)).integers(0, 256, (12, 16, 3))
    return squares.repeat(20, axis=0).repeat(20, axis=1).astype(np.uint8)


def measure(network: Yolact) -> dict[str, np.ndarray]:
    """Return a sample of a network's outputs, and its detections, on the image of squares."""
    image = Preprocessor(network.config)([parity_image()])[0]
    with torch.inference_mode():
        prediction = network(image.unsqueeze(0))
    some = np.random.Generator(np.random.PCG64(8)).integers(0, len(network.priors), 40)
    single = Prediction(*(output[0] for output in prediction))
    found = Detector(network, score_threshold=0.0).postprocess(single, SIZE)
    return {
        'box_offsets': single.box_offsets[some].numpy(),
        'scores': single.class_logits[some].softmax(dim=1).numpy(),
        'coefficients': single.coefficients[some].numpy(),
        'prototypes': single.prototypes[:, 11::23, 13::29].numpy(),
        'detected_boxes': found.boxes,
        'detected_scores': found.scores,
        'detected_mask_scores': found.mask_scores,
        'detected_areas': found.masks.areas(),
    }


def write_parity(golden: Path) -> None:
    """Write the file from the calibrated weights of the original's golden numbers."""
    arrays: dict[str, np.ndarray] = {}
    for name in PARITY_CONFIGS:
        with np.load(golden / f'{name}.npz') as file:
            numbers = dict(file)
        multipliers = json.loads(str(numbers['meta']))['mult']
        overrides = overrides_in(numbers)
        arrays[f'{name}/multipliers'] = np.array(json.dumps(multipliers))
        network = network_from_names(name, multipliers, overrides)
        arrays |= {f'{name}/{OVERRIDE}{key}': value for key, value in overrides.items()}
        arrays |= {f'{name}/{key}': value for key, value in measure(network).items()}
    np.savez_compressed(PARITY_FILE, **arrays)


if __name__ == '__main__':
    write_parity(Path(sys.argv[1]))
