"""What happens to training and evaluation samples between file and network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.sample import Sample
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks, crop_window, trim_mask
from yolact_core.training.augmentation.appearance import WHITE, degrade, distort
from yolact_core.training.augmentation.options import AugmentationOptions
from yolact_core.training.augmentation.rendering import (
    Projection,
    render,
    shrink_masks,
    stretch_masks,
)
from yolact_core.training.augmentation.window import View, Window, crop, expand

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig
    from yolact_core.dataset.sample import Transform

RecipeName = Literal['original', 'standard']
RECIPES = ('original', 'standard')
TINY = 4 / 550  # of the image: smaller objects are not trained on
LEAST_VISIBLE = 0.1  # of the pixels of an object: what is hidden more is dropped


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
    """Return the transform that turns samples as read into training samples (SSD's recipe).

    Args:
        name: Name of the recipe. ``original`` does what the published training did, faults
            included: a random crop ignores the overlap that it drew, boxes cut by a crop do not
            follow what is left of the mask, tiny objects stay, and colours are not clipped.
            ``standard`` mends that.
        config: Configuration with the input size.
        options: Probability of each change.
        mask_size: Side of the masks in pixels, resized as in the loss; default: input size.
        donors: Samples to copy and paste objects from.

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
    """Return the transform that turns samples as read into evaluation samples: it only resizes.

    Args:
        config: Configuration with the input size.
        mask_size: Side of the masks in pixels, resized as in the loss; default: input size.
    """
    side = config.input_size

    def resize(sample: Sample, _generator: np.random.Generator) -> Sample:
        """Resize the image as the detector does."""
        rendered = render(sample, Projection(Window.whole(sample), side))
        image = cv2.resize(sample.image.astype(np.float32), (side, side))
        return _finish(replace(rendered, image=image), mask_size)

    return resize


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
        """Return the sample as the network sees it."""
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


def paste(sample: Sample, donor: Sample, generator: np.random.Generator) -> Sample:
    """Paste a random half of the objects of another image in front of an image.

    They keep their places (Ghiasi et al., Simple Copy-Paste, CVPR 2021).

    Args:
        sample: Sample as read, uint8.
        donor: Other sample as read; it is stretched to the size of ``sample``.
        generator: Source of randomness.
    """
    donor = donor.select(~donor.is_crowd & (generator.random(len(donor)) < 0.5))
    if len(donor) == 0:
        return sample
    masks = stretch_masks(donor.masks, sample.size)
    in_front = masks.union()
    donor_image = cv2.resize(donor.image, sample.size[::-1], interpolation=cv2.INTER_LINEAR)
    behind = _hide(sample, in_front)
    return Sample(
        image=np.where(in_front[..., None], donor_image, sample.image),
        boxes=np.concatenate([behind.boxes, masks.boxes()]),
        class_ids=np.concatenate([behind.class_ids, donor.class_ids]),
        masks=behind.masks + masks,
        is_crowd=np.concatenate([behind.is_crowd, donor.is_crowd]),
    )


def _drop_tiny(seen: Sample, least_extent: float) -> Sample:
    """Drop objects that are not larger than ``least_extent`` pixels in both directions."""
    extent = seen.boxes[:, 2:] - seen.boxes[:, :2]
    return seen.select(extent.min(axis=1) > least_extent)


def _follow_masks(seen: Sample, is_cut: npt.NDArray[np.bool_]) -> Sample:
    """Fit the boxes of cut objects to what is left of them, and drop those without a mask."""
    tight = seen.masks.boxes()
    boxes = np.where(is_cut[:, None], tight, seen.boxes)
    is_seen = (tight[:, 2:] - tight[:, :2]).min(axis=1) > 0
    return replace(seen, boxes=boxes).select(is_seen)


def _finish(sample: Sample, mask_size: int | None) -> Sample:
    if mask_size is None:
        return sample
    return replace(sample, masks=shrink_masks(sample.masks, mask_size))


def _hide(sample: Sample, in_front: npt.NDArray[np.bool_]) -> Sample:
    """Remove hidden pixels from the masks, fit their boxes, and drop what can hardly be seen."""
    visible = InstanceMasks.from_crops(
        (
            trim_mask(crop & ~in_front[crop_window(crop, corner)], corner)
            for crop, corner in sample.masks
        ),
        sample.size,
    )
    area, before = visible.areas(), sample.masks.areas()
    boxes = np.where((area < before)[:, None], visible.boxes(), sample.boxes)
    is_seen = (area > LEAST_VISIBLE * before) | sample.is_crowd
    return replace(sample, boxes=boxes, masks=visible).select(is_seen)
