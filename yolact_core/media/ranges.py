"""Ranges of the values of 16-bit images, each of which can become that of bytes.

Thermal and infrared cameras fill 10 to 14 of the bits, so that what they show would be nearly
black if all bits counted.
"""

from __future__ import annotations

from typing import Literal

ImageRange = Literal['encoding', 'stretch', '10bit', '12bit', '14bit', '16bit']

BY_ENCODING: ImageRange = 'encoding'  # what holds the image says the range
IMAGE_RANGE_HELP = (
    'values of 16-bit images that become black and white: those of so many bits, of the darkest '
    "and brightest percent of the image (stretch), or as the image's encoding has it"
)
SMALL_PART = 4  # a peak below the range divided by this is nearly black
BITS: dict[ImageRange, int] = {'10bit': 10, '12bit': 12, '14bit': 14, '16bit': 16}


def find_misfit(peak: int, image_range: ImageRange) -> str:
    """Say what is wrong with the range that was chosen for an image; empty if nothing is.

    Args:
        peak: Largest value in the image.
        image_range: Range that was chosen; by encoding, it is taken for that of all bits.
    """
    if image_range == 'stretch':
        return ''
    largest = 2 ** BITS.get(image_range, 16) - 1
    fitting = next(name for name, bits in BITS.items() if peak < 2**bits)
    remedy = f'image range {fitting} or stretch fits'
    if peak > largest:
        return f'has values up to {peak}, above {largest} all is white: {remedy}'
    if peak < (largest + 1) / SMALL_PART:
        return f'reaches only {peak} of {largest}, nearly black to the model: {remedy}'
    return ''
