"""Whether images of 16 bits show something in the range that is chosen for them."""

from __future__ import annotations

from dataclasses import dataclass

from yolact_core.media.range_mapping import stretch
from yolact_core.media.ranges import BY_ENCODING, ImageRange, find_misfit
from yolact_ros.images.encodings import ENCODINGS


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


def complain(seen: Brightness, image_range: ImageRange) -> str:
    """Say what is wrong with the images of a topic, and what to do; empty if nothing is.

    Args:
        seen: The latest of them.
        image_range: Value of the parameter of that name.
    """
    if 'depth' in seen.topic.lower():
        return (
            f'{seen.encoding} images on {seen.topic} are depth by their name, in which the model '
            'finds nothing: choose a topic of colour images'
        )
    known = ENCODINGS.get(seen.encoding)
    is_stretched = known is not None and known.to_bytes is stretch
    if image_range == BY_ENCODING and is_stretched:
        return ''
    misfit = find_misfit(seen.peak, image_range)
    return f'{seen.encoding} image on {seen.topic} {misfit}' if misfit else ''
