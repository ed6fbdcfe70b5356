"""Whether images of 16 bits show something in the range that is chosen for them."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_ros.images.encodings import BITS, BY_ENCODING, ENCODINGS, stretch

SMALL_PART = 4  # a peak below the range divided by this is nearly black


@dataclass(frozen=True)
class Brightness:
    """The values of one image of 16 bits.

    Args:
        topic: Topic that it came on.
        encoding: Encoding that its message names.
        peak: Largest value in the image.
    """

    topic: str
    encoding: str
    peak: int


def complain(seen: Brightness, image_range: str) -> str:
    """Say what is wrong with the images of a topic, and what to do; empty if nothing is.

    Args:
        seen: The latest of them.
        image_range: Value of the parameter of that name.
    """
    if 'depth' in seen.topic.lower():
        return (
            f'{seen.encoding} images on {seen.topic} are depth by their name, in which the model '
            'finds nothing: remap image to a topic of colour images'
        )
    known = ENCODINGS.get(seen.encoding)
    is_stretched = known is not None and known.to_bytes is stretch
    if image_range == 'stretch' or (image_range == BY_ENCODING and is_stretched):
        return ''
    largest = 2 ** BITS.get(image_range, 16) - 1
    fitting = next(name for name, bits in BITS.items() if seen.peak < 2**bits)
    if seen.peak > largest:
        return (
            f'{seen.encoding} images on {seen.topic} have values up to {seen.peak}, above '
            f'{largest} all is white: set image_range to {fitting} or stretch'
        )
    if seen.peak < (largest + 1) / SMALL_PART:
        return (
            f'{seen.encoding} images on {seen.topic} reach only {seen.peak} of {largest}, nearly '
            f'black to the model: set image_range to {fitting} or stretch'
        )
    return ''
