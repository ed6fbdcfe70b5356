"""Small filled tags with anti-aliased text, kept inside the image and off each other."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from yolact_core.palette import Color
from yolact_core.visualization.fonts import choose_font

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue
BRIGHT = 140  # tags of at least this luma carry black text
CELL = 8  # pixels; how finely it is remembered where tags are
BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)


@lru_cache(maxsize=4096)  # in a video the same few tags come again and again
def render_tag(text: str, text_size: int, color: Color) -> npt.NDArray[np.uint8]:
    """Draw one line of text, black or white, on a filled rectangle.

    Args:
        text: Text of the tag.
        text_size: Size of the font in pixels.
        color: Colour of the rectangle.

    Returns:
        RGB, shape (h, w, 3), read-only: as high for every text of that size.
    """
    font, text = choose_font(text, text_size)
    margin = max(2, text_size // 4)
    left, _, right, _ = font.getbbox(text)
    _, top, _, bottom = font.getbbox('Ag')
    size = (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin)
    tag = Image.new('RGB', size, color)
    ink = BLACK if np.dot(LUMA, color) >= BRIGHT else WHITE
    ImageDraw.Draw(tag).text((margin - left, margin - top), text, fill=ink, font=font)
    pixels = np.array(tag)
    pixels.setflags(write=False)
    return pixels


def paste_tag(image: npt.NDArray[np.uint8], tag: npt.NDArray[np.uint8], x: int, y: int) -> None:
    """Copy a tag into an image, moved so far that it lies inside, and cut if it is too large.

    Args:
        image: RGB, changed in place, shape (H, W, 3).
        tag: RGB, shape (h, w, 3).
        x: Column of the tag's left edge.
        y: Row of the tag's top edge.
    """
    x, y = _keep_inside(image.shape[:2], tag.shape[:2], x, y)
    window = image[y : y + tag.shape[0], x : x + tag.shape[1]]
    window[:] = tag[: window.shape[0], : window.shape[1]]


class TagPlaces:
    """Finds places for tags beside their boxes where no other tag is.

    Args:
        size: Height and width of the image in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._taken = np.zeros((size[0] // CELL + 1, size[1] // CELL + 1), dtype=np.bool_)

    def take(self, box: tuple[int, int, int, int], tag_size: tuple[int, int]) -> tuple[int, int]:
        """Return where a tag goes: above its box, or else inside it, below it, or above anyway.

        Args:
            box: x1 y1 x2 y2 in pixels.
            tag_size: Height and width of the tag.

        Returns:
            Column and row of the tag's first pixel.
        """
        x1, y1, x2, y2 = box
        height, width = tag_size
        wanted = [(x1, y1 - height), (x1, y1), (x1, y2), (x2 - width, y1 - height)]
        places = [_keep_inside(self._size, tag_size, x, y) for x, y in wanted]
        free = (place for place in places if not self._cells(place, tag_size).any())
        chosen = next(free, places[0])
        self._cells(chosen, tag_size)[:] = True
        return chosen

    def _cells(self, place: tuple[int, int], tag_size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        (x, y), (height, width) = place, tag_size
        rows = slice((y + CELL // 2) // CELL, -(-(y + height - CELL // 2) // CELL))
        columns = slice((x + CELL // 2) // CELL, -(-(x + width - CELL // 2) // CELL))
        return self._taken[rows, columns]


def _keep_inside(
    size: tuple[int, ...], tag_size: tuple[int, ...], x: int, y: int
) -> tuple[int, int]:
    return max(0, min(x, size[1] - tag_size[1])), max(0, min(y, size[0] - tag_size[0]))
