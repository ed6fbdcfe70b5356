"""How often training images are changed, and in which ways."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from yolact_core.errors import InputError


@dataclass(frozen=True)
class AugmentationOptions:
    """Probability, in [0, 1], of each change of a training image.

    Those that default to 0 are no part of YOLACT's published recipe. They are meant for robots'
    cameras: dim light, motion, noise, compressed streams.

    Args:
        photometric: Distort brightness, contrast, saturation and hue, with this probability each.
        expand: Place the image somewhere on an empty one that is up to 4 times larger.
        crop: Try to cut out a random part; otherwise the whole image stays.
        mirror: Swap left and right.
        vertical_flip: Swap top and bottom, for cameras that look straight down.
        copy_paste: Paste objects of another image in front; needs ``donors`` in the recipe.
        grayscale: Remove the colours.
        gamma: Darken or brighten by a power between 0.5 and 2.
        blur: Blur as if out of focus, by a Gaussian of 0.3 to 2 pixels.
        motion_blur: Blur along a line of 3 to 11 pixels in any direction.
        noise: Add Gaussian noise of 2 to 15 grey levels.
        shot_noise: Add Poisson noise, as of 20 to 400 photons at full white.
        jpeg: Compress and decompress with a quality of 25 to 90.

    Raises:
        InputError: A value is outside [0, 1].
    """

    photometric: float = 0.5
    expand: float = 0.5
    crop: float = 1.0
    mirror: float = 0.5
    vertical_flip: float = 0.0
    copy_paste: float = 0.0
    grayscale: float = 0.0
    gamma: float = 0.0
    blur: float = 0.0
    motion_blur: float = 0.0
    noise: float = 0.0
    shot_noise: float = 0.0
    jpeg: float = 0.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise InputError(f'augmentation.{field.name} must be in [0, 1], got {value!r}')
