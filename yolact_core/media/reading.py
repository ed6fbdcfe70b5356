"""Images of sources, each read while the one before is in use."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError, result_or_error
from yolact_core.media.image_files import read_image
from yolact_core.media.ranges import ImageRange
from yolact_core.media.sources import ImageFile, Video
from yolact_core.media.videos import VideoReader
from yolact_core.threads import read_ahead

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ReadFile:
    """An image file that was read.

    Args:
        source: The file.
        rgb: Pixels, shape (H, W, 3), or why they cannot be read.
    """

    source: ImageFile
    rgb: Rgb | InputError


class VideoImage(NamedTuple):
    """An image of a video.

    Attributes:
        position: Number of the image in the video, from 0.
        seconds: Time since the first image.
        rgb: Pixels, shape (H, W, 3).
    """

    position: int
    seconds: float
    rgb: Rgb


def read_files(
    sources: Sequence[ImageFile | Video], image_range: ImageRange
) -> Generator[ReadFile | Video, None, None]:
    """Iterate over sources, of which image files are read ahead.

    Args:
        sources: Image files, and videos, which are left as they are.
        image_range: Range of the values of 16-bit image files that becomes that of bytes.
    """

    def read(source: ImageFile) -> ReadFile:
        rgb = result_or_error(read_image, source.path, image_range=image_range)
        return ReadFile(source, rgb)

    return read_ahead(read(one) if isinstance(one, ImageFile) else one for one in sources)


def read_video(
    reader: VideoReader, every: int = 1, limit: int | None = None
) -> Generator[VideoImage, None, None]:
    """Iterate over images, which are read ahead from a file, but not from what is live.

    Args:
        reader: Reader of the video.
        every: Take every so-many-th image only.
        limit: Number of images after which to stop; None reads to the end.

    Raises:
        InputError: There is not a single image.
    """
    images = (
        VideoImage(position, reader.seconds, rgb)
        for position, rgb in islice(reader.images(every), limit)
    )
    return images if reader.is_live else read_ahead(images)
