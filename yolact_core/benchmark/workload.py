"""What each variant is given to do: images, and a scene that all networks see.

Random weights find nothing that resembles a real scene. Here candidates lie in clusters around
objects of many sizes, and prototypes are smooth: how much there is to do after the network is an
input of a measurement and not an accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import nms

from yolact_core.benchmark import CANDIDATES, INSTANCES
from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.media.image_files import find_images, read_image
from yolact_core.network import Prediction
from yolact_core.network.boxes import encode_boxes
from yolact_core.runtimes import Backend

Image = npt.NDArray[np.uint8]

DRAWN, READ = 8, 32  # images
COARSE = 40  # pixels of a drawn image that one random colour spans
POOL = 4096  # boxes that the objects are chosen from
MOST_OVERLAP = 0.4  # IoU of two objects, under what NMS takes for one
SMALLEST, LARGEST = 0.04, 0.6  # side of an object, as a fraction of the image's
JITTER = 0.02  # of a candidate's box, as a fraction of the object's side
CELLS = 12  # cells along a side of the detail in prototypes
BACKGROUND = 12.0  # logit by which it wins where no object is
FOREGROUND = 8.0  # logit by which an object's class wins where one is: scores of about 0.95
SEEN = 3.0  # logit of such a score where each class has its own


@dataclass(frozen=True)
class Workload:
    """What each variant is given to do.

    Args:
        images: RGB images, each of shape (H, W, 3), taken in turn.
        candidates: Number of priors that NMS looks at, whatever the network predicts; None: those
            that the network finds.
        instances: Number of objects that these priors show; None: those that the network finds.
    """

    images: tuple[Image, ...]
    candidates: int | None = CANDIDATES
    instances: int | None = INSTANCES

    def __str__(self) -> str:
        sizes = sorted({f'{image.shape[1]}x{image.shape[0]}' for image in self.images})
        named = sizes[0] if len(sizes) == 1 else f'{len(sizes)} sizes'
        if self.instances is None:
            return f'{len(self.images)} images of {named}, what the models find'
        return f'{named}, {self.instances} instances of {self.candidates} candidates'


def draw_images(size: tuple[int, int], count: int = DRAWN) -> tuple[Image, ...]:
    """Draw smooth colourful images.

    Args:
        size: Height and width in pixels.
        count: Number of images.
    """
    height, width = size
    generator = np.random.default_rng(0)
    shape = (-(-height // COARSE), -(-width // COARSE), 3)
    return tuple(
        np.asarray(
            cv2.resize(
                generator.integers(0, 256, shape, dtype=np.uint8),
                (width, height),
                interpolation=cv2.INTER_CUBIC,
            ),
            dtype=np.uint8,
        )
        for _ in range(count)
    )


def read_images(folder: Path) -> tuple[Image, ...]:
    """Read images evenly from a folder, as many as are enough to measure on.

    Raises:
        InputError: There is none, or one cannot be read.
    """
    return tuple(read_image(path) for path in find_images(folder, READ))


class SceneBackend:
    """Runs another backend, and then predicts a scene instead of what that one predicted.

    Args:
        backend: Backend that does its full work.
        candidates: Number of priors that see an object.
        objects: Number of objects.

    Raises:
        InputError: There is no object, or there are fewer candidates or more than priors.
    """

    def __init__(self, backend: Backend, candidates: int, objects: int) -> None:
        self.name = backend.name
        self.precision = backend.precision
        self.device = backend.device
        self.config = backend.config
        self.digest = backend.digest
        self.priors = backend.priors
        self._backend = backend
        side = self.config.input_size
        with torch.inference_mode():
            blank = backend.prepare([np.zeros((side, side, 3), dtype=np.uint8)])
            prototypes = backend(blank).prototypes
        single = cluttered_prediction(
            self.config, self.priors.cpu(), candidates, objects, grid=prototypes.shape[-1]
        )
        self._scene = Prediction(*(output.unsqueeze(0).to(self.device) for output in single))

    def prepare(self, images: Sequence[Image]) -> Tensor:
        """Return what the other backend takes."""
        return self._backend.prepare(images)

    def __call__(self, images: Tensor) -> Prediction:
        """Predict from what ``prepare`` returned, and return the scene for each image."""
        self._backend(images)
        return Prediction(*(one.expand(len(images), *one.shape[1:]) for one in self._scene))

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict the IoU of soft masks, (N, Hp, Wp), with their objects, for every class."""
        return self._backend.rescore(masks)


def cluttered_prediction(
    config: ModelConfig, priors: Tensor, candidates: int, objects: int, grid: int = 138
) -> Prediction:
    """Make a prediction for one image in which a number of priors see a number of objects.

    Scores of candidates are about 0.95, and the boxes of an object's candidates overlap, so that
    exactly one instance of each object stays at the usual thresholds.

    Args:
        config: Configuration of the network that might have predicted it.
        priors: Priors of that network in centre form, fractions of the image, shape (A, 4).
        candidates: Number of priors that see an object, shared out among the objects.
        objects: Number of objects, whose sides are 4 % to 60 % of the image's.
        grid: Number of cells along a side of the prototypes.

    Raises:
        InputError: There is no object, or there are fewer candidates or more than priors.
    """
    if not 1 <= objects <= candidates <= len(priors):
        raise InputError(
            f'instances, candidates and the {len(priors)} priors must be more and more, at least '
            f'one each, got {objects} and {candidates}'
        )
    generator = torch.Generator().manual_seed(0)
    boxes = random_boxes(objects, generator)
    chosen, owner = _share_out(priors, boxes, candidates)
    object_classes = torch.randint(len(config.class_names), (objects,), generator=generator)
    logits = _class_logits(config, len(priors), chosen, object_classes[owner], generator)
    sides = (boxes[owner, 2:] - boxes[owner, :2]).repeat(1, 2)
    jitter = JITTER * sides * torch.randn(candidates, 4, generator=generator)
    offsets = torch.randn(len(priors), 4, generator=generator)
    offsets[chosen] = encode_boxes(boxes[owner] + jitter, priors[chosen], config.box_coding)
    return Prediction(
        box_offsets=offsets,
        class_logits=logits,
        coefficients=torch.rand(len(priors), config.prototypes, generator=generator) * 2 - 1,
        prototypes=smooth_prototypes(config.prototypes, grid, generator),
    )


def smooth_prototypes(count: int, grid: int, generator: torch.Generator) -> Tensor:
    """Make prototypes without detail finer than those of trained networks, (K, Hp, Wp)."""
    coarse = torch.randn(1, count, CELLS, CELLS, generator=generator)
    return F.interpolate(coarse, (grid, grid), mode='bicubic')[0].relu()


def random_boxes(count: int, generator: torch.Generator) -> Tensor:
    """Make boxes that NMS keeps, corners as fractions of the image, shape (N, 4).

    Their sides are spread evenly in log scale.
    """
    span = LARGEST / SMALLEST
    side = SMALLEST * span ** torch.rand(POOL, 2, generator=generator)
    corner = torch.rand(POOL, 2, generator=generator) * (1 - side)
    boxes = torch.cat([corner, corner + side], dim=1)
    kept: Tensor = nms(boxes, torch.rand(POOL, generator=generator), MOST_OVERLAP)
    return boxes[kept[:count]]


def _class_logits(
    config: ModelConfig,
    priors: int,
    chosen: Tensor,
    class_ids: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Make class logits with which the chosen priors see objects of these classes, (A, ...)."""
    classes = len(config.class_names)
    if config.scores == 'sigmoid':
        logits = torch.randn(priors, classes, generator=generator) - BACKGROUND
        logits[chosen, class_ids] += BACKGROUND + SEEN
        return logits
    logits = torch.randn(priors, classes + 1, generator=generator)
    logits[:, 0] += BACKGROUND
    logits[chosen, 0] -= BACKGROUND
    logits[chosen, class_ids + 1] += FOREGROUND
    return logits


def _share_out(priors: Tensor, boxes: Tensor, candidates: int) -> tuple[Tensor, Tensor]:
    """Return the priors that see the objects, and which object each of them sees.

    Each object in turn takes those nearest to it that are left.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    distances = torch.cdist(centres, priors[:, :2])  # (M, A)
    shares = [len(part) for part in torch.arange(candidates).tensor_split(len(boxes))]
    chosen = []
    for distance, share in zip(distances, shares, strict=True):
        nearest = distance.topk(share, largest=False).indices
        distances[:, nearest] = torch.inf
        chosen.append(nearest)
    owner = torch.arange(len(boxes)).repeat_interleave(torch.tensor(shares))
    return torch.cat(chosen), owner
