"""What is done to training and evaluation images, from file to network input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.sample import Sample
from yolact_core.errors import InputError
from yolact_core.training.augmentation.camera import WHITE, degrade
from yolact_core.training.augmentation.copy_paste import paste
from yolact_core.training.augmentation.options import AugmentationOptions
from yolact_core.training.augmentation.photometric import distort
from yolact_core.training.augmentation.rendering import (
    Projection,
    mask_boxes,
    render,
    shrink_masks,
)
from yolact_core.training.augmentation.window import View, Window, crop, expand

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig
    from yolact_core.dataset.sample import Transform

RecipeName = Literal['original', 'standard']
RECIPES = ('original', 'standard')
TINY = 4 / 550  # of the image: smaller objects are not trained on


class Donors(Protocol):
    """Samples to copy objects from, such as a ``CocoDataset`` without transform."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def training_recipe(
    name: RecipeName,
    config: ModelConfig,
    options: AugmentationOptions | None = None,
    mask_size: int | None = None,
    donors: Donors | None = None,
) -> Transform:
    """Return what turns samples as read into training samples (SSD's recipe).

    Args:
        name: ``original`` does what the published training did, faults included: a random crop
            ignores the overlap that it drew, boxes that a crop cuts do not follow what is left of
            the mask, tiny objects stay, and colours are not clipped. ``standard`` does not.
        config: Says the input size.
        options: Probabilities.
        mask_size: Side of the masks to deliver, resized as the loss would; default: input size.
        donors: Where objects to copy and paste come from, such as a ``CocoDataset`` without
            transform.

    Raises:
        InputError: The name is unknown, or there are no donors to copy from.
    """
    options = options or AugmentationOptions()
    if name not in RECIPES:
        raise InputError(f'recipe must be one of {", ".join(RECIPES)}, got {name!r}')
    if options.copy_paste > 0 and donors is None:
        raise InputError('augmentation.copy_paste must be 0 without images to copy from')
    return TrainingRecipe(config.input_size, name == 'original', options, mask_size, donors)


def evaluation_transform(config: ModelConfig, mask_size: int | None = None) -> Transform:
    """Return what turns samples as read into evaluation samples: it resizes and nothing else.

    Args:
        config: Says the input size.
        mask_size: Side of the masks to deliver, resized as the loss would; default: input size.
    """
    return EvaluationTransform(config.input_size, mask_size)


@dataclass(frozen=True)
class EvaluationTransform:
    """Resizes a sample to the network's input, as the detector does with images."""

    side: int
    mask_size: int | None = None

    def __call__(self, sample: Sample, _generator: np.random.Generator) -> Sample:
        """Return the resized sample."""
        projection = Projection(Window.whole(sample), self.side)
        side = (self.side, self.side)
        image = cv2.resize(sample.image.astype(np.float32), side, interpolation=cv2.INTER_LINEAR)
        return _finish(replace(render(sample, projection), image=image), self.mask_size)


@dataclass(frozen=True)
class TrainingRecipe:
    """SSD's augmentation: distorted colours, expansion, random crop, mirror, resize.

    Expansion, crop, mirror and resize are one projection, so that each pixel is sampled once.
    """

    side: int
    is_original: bool
    options: AugmentationOptions
    mask_size: int | None
    donors: Donors | None

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Return the sample as the network shall see it."""
        options = self.options
        if generator.random() < options.copy_paste and self.donors is not None:
            donor = self.donors[int(generator.integers(len(self.donors)))]
            sample = paste(sample, donor, generator)
        view = self._choose_view(sample, generator)
        projection = Projection(
            view.window,
            self.side,
            is_mirrored=generator.random() < options.mirror,
            is_flipped=generator.random() < options.vertical_flip,
        )
        seen = render(sample.select(view.kept), projection)
        first_x, first_y, end_x, end_y = projection.pixels_within(0, 0, *sample.size[::-1])
        distort(seen.image[first_y:end_y, first_x:end_x], generator, options.photometric)
        seen = replace(seen, image=degrade(seen.image, generator, options))
        if self.is_original:
            return _finish(_drop_tiny(seen, TINY), self.mask_size)
        np.clip(seen.image, 0, WHITE, out=seen.image)
        seen = _follow_masks(seen, view.window.cuts(sample.boxes[view.kept]))
        return _finish(_drop_tiny(seen, TINY * self.side), self.mask_size)

    def _choose_view(self, sample: Sample, generator: np.random.Generator) -> View:
        window = Window.whole(sample)
        if generator.random() < self.options.expand:
            window = expand(window, generator)
        if generator.random() < self.options.crop:
            return crop(sample, window, generator, is_overlap_required=not self.is_original)
        return View(window, np.ones(len(sample), dtype=np.bool_))


def _drop_tiny(seen: Sample, least_extent: float) -> Sample:
    """Drop objects that are not larger than so many pixels in both directions."""
    extent = seen.boxes[:, 2:] - seen.boxes[:, :2]
    return seen.select(extent.min(axis=1) > least_extent)


def _follow_masks(seen: Sample, is_cut: npt.NDArray[np.bool_]) -> Sample:
    """Fit the boxes of objects that were cut to what is left, and drop those with no mask."""
    tight = mask_boxes(seen.masks)
    boxes = np.where(is_cut[:, None], tight, seen.boxes)
    is_seen = (tight[:, 2:] - tight[:, :2]).min(axis=1) > 0
    return replace(seen, boxes=boxes).select(is_seen)


def _finish(sample: Sample, mask_size: int | None) -> Sample:
    if mask_size is None:
        return sample
    return replace(sample, masks=shrink_masks(sample.masks, mask_size))
