"""How training images look: SSD's distortion of colours, and the effects of robots' cameras."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.training.augmentation.options import AugmentationOptions

WHITE = 255.0
BRIGHTNESS = 32.0  # grey levels, either way
CONTRAST = (0.5, 1.5)
SATURATION = (0.5, 1.5)
HUE = 18.0  # degrees, either way

GAMMA = (0.5, 2.0)
BLUR = (0.3, 2.0)  # pixels
MOTION = (3, 12)  # pixels, end excluded
NOISE = (2.0, 15.0)  # grey levels
PHOTONS = (20.0, 400.0)  # at full white
QUALITY = (25, 91)  # of JPEG, end excluded

FloatImage = npt.NDArray[np.float32]
Effect = Callable[[FloatImage, np.random.Generator], FloatImage]


def distort(image: FloatImage, generator: np.random.Generator, probability: float) -> None:
    """Distort brightness, contrast, saturation and hue of an image in place, as SSD does.

    Contrast comes before or after saturation and hue, at random. Nothing is clipped, so values
    may leave [0, 255].

    Args:
        image: RGB image in [0, 255], shape (H, W, 3).
        generator: Source of randomness.
        probability: Probability of each of the four distortions.
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


def degrade(
    image: FloatImage, generator: np.random.Generator, options: AugmentationOptions
) -> FloatImage:
    """Return an image as a robot's camera might have delivered it.

    The effects come in the order of their causes: light, optics, sensor, stream.

    Args:
        image: RGB image, shape (H, W, 3); if an effect is applied, values outside [0, 255] are
            clipped.
        generator: Source of randomness.
        options: Probability of each effect.
    """
    effects: list[tuple[float, Effect]] = [
        (options.gamma, change_gamma),
        (options.grayscale, remove_color),
        (options.blur, blur),
        (options.motion_blur, blur_by_motion),
        (options.shot_noise, add_shot_noise),
        (options.noise, add_noise),
        (options.jpeg, compress),
    ]
    for probability, effect in effects:
        if generator.random() < probability:
            image = effect(image.clip(0, WHITE), generator)
    return image


def change_gamma(image: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Darken or brighten, as another exposure or dim light would."""
    low, high = (math.log(limit) for limit in GAMMA)
    exponent = math.exp(generator.uniform(low, high))
    return _floats(np.power(image / np.float32(WHITE), np.float32(exponent)) * WHITE)


def remove_color(image: FloatImage, _generator: np.random.Generator) -> FloatImage:
    """Return the grey image in three equal channels."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return _floats(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))


def blur(image: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Blur as a lens that is out of focus does."""
    return _floats(cv2.GaussianBlur(image, (0, 0), generator.uniform(*BLUR)))


def blur_by_motion(image: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Blur along a line, as a turning camera does."""
    length = int(generator.integers(*MOTION))
    angle = generator.uniform(0, np.pi)
    middle = np.array([length / 2, length / 2])
    reach = middle[0] * np.array([np.cos(angle), np.sin(angle)])
    begin, end = np.rint(middle - reach).astype(int), np.rint(middle + reach).astype(int)
    kernel = np.zeros((length + 1, length + 1), dtype=np.float32)
    cv2.line(kernel, begin.tolist(), end.tolist(), 1.0)
    return _floats(cv2.filter2D(image, -1, kernel / kernel.sum()))


def add_shot_noise(image: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Add the noise of few photons, whose variance is proportional to the light."""
    grey_levels_per_photon = WHITE / generator.uniform(*PHOTONS)
    deviation = np.sqrt(image * np.float32(grey_levels_per_photon))
    return _floats(image + deviation * generator.standard_normal(image.shape, np.float32))


def add_noise(image: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Add the same noise to dark and bright pixels, as the electronics of a sensor does."""
    deviation = np.float32(generator.uniform(*NOISE))
    return _floats(image + deviation * generator.standard_normal(image.shape, np.float32))


def compress(image: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Compress to JPEG and back, as an image stream over a network does."""
    quality = int(generator.integers(*QUALITY))
    _, content = cv2.imencode('.jpg', image.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return _floats(cv2.imdecode(content, cv2.IMREAD_COLOR))


def _shift_colors(image: FloatImage, saturation: float, hue: float) -> None:
    """Scale the saturation of an image and turn its hue by degrees, in place."""
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), dtype=np.float32)
    hsv[..., 0] += np.float32(hue)  # OpenCV takes any angle
    hsv[..., 1] *= np.float32(saturation)
    image[:] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _floats(image: object) -> FloatImage:
    return np.asarray(image, dtype=np.float32)
