"""The overlays of a recording, as a video and as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.media.image_files import write_image
from yolact_core.media.videos import write_video
from yolact_ros.images.conversions import compressed_to_rgb
from yolact_ros.player.recording import NS_PER_S, Entry

COLUMNS, ROWS = 4, 3
TILE_WIDTH = 400  # pixels
GAP = 4  # pixels, white


def write_overlay_video(path: Path, overlays: Sequence[Entry], rate: float) -> None:
    """Write all overlays, as fast as they came on average.

    Args:
        path: The mp4 file.
        overlays: Messages of JPEG.
        rate: Overlays per second.
    """
    with write_video(path, max(rate, 1.0)) as add:
        for entry in overlays:
            add(compressed_to_rgb(entry.message))


def write_contact_sheet(path: Path, overlays: Sequence[Entry]) -> None:
    """Write a picture with one overlay of each of the first seconds.

    Args:
        path: The image file.
        overlays: Messages of JPEG, in the order of their times, at least one.
    """
    chosen = one_a_second(overlays)[: COLUMNS * ROWS]
    tiles = [_fit(compressed_to_rgb(entry.message)) for entry in chosen]
    write_image(path, arrange(tiles))


def one_a_second(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entry nearest to the middle of each second since the first that has any."""
    nearest: dict[int, tuple[float, Entry]] = {}
    for entry in entries:
        second, rest = divmod((entry.time - entries[0].time) / NS_PER_S, 1.0)
        distance = abs(rest - 0.5)
        if int(second) not in nearest or distance < nearest[int(second)][0]:
            nearest[int(second)] = distance, entry
    return [entry for _, entry in nearest.values()]


def arrange(tiles: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Put pictures of one size side by side in rows, with gaps between them.

    Args:
        tiles: RGB, each of shape (H, W, 3).
    """
    height, width = tiles[0].shape[:2]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    size = rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3
    sheet = np.full(size, 255, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        y, x = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[y : y + height, x : x + width] = tile
    return sheet


def _fit(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    size = TILE_WIDTH, round(height * TILE_WIDTH / width)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
