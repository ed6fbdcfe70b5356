"""SSD's distortion of brightness, contrast, saturation and hue."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

BRIGHTNESS = 32.0  # grey levels, either way
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = 18.0  # degrees, either way

FloatImage = npt.NDArray[np.float32]


def distort(image: FloatImage, generator: np.random.Generator, probability: float) -> None:
    """Alter the colours of an image in place.

    Contrast comes before or after saturation and hue, at random. Nothing is clipped, so that
    values may leave [0, 255].

    Args:
        image: RGB in [0, 255], shape (H, W, 3).
        generator: Source of randomness.
        probability: Of each of the four distortions.
    """
    if generator.random() < probability:
        image += np.float32(generator.uniform(-BRIGHTNESS, BRIGHTNESS))
    is_contrast_first = generator.random() < 0.5
    contrast = generator.uniform(*CONTRAST) if generator.random() < probability else 1.0
    saturation = generator.uniform(*SATURATION) if generator.random() < probability else 1.0
    hue = generator.uniform(-HUE, HUE) if generator.random() < probability else 0.0
    if is_contrast_first:
        image *= np.float32(contrast)
    if image.size > 0 and (saturation != 1.0 or hue != 0.0):
        _shift_colors(image, saturation, hue)
    if not is_contrast_first:
        image *= np.float32(contrast)


def _shift_colors(image: FloatImage, saturation: float, hue: float) -> None:
    """Scale the saturation and turn the hue by degrees, in place."""
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), dtype=np.float32)
    hsv[..., 0] += np.float32(hue)  # OpenCV takes any angle
    hsv[..., 1] *= np.float32(saturation)
    image[:] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
