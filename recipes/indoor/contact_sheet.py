"""Lay what a model finds in all pictures of a folder onto one sheet.

python recipes/indoor/contact_sheet.py test/data/real_rooms docs/images/indoor_real_rooms.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from yolact_core import Detector
from yolact_core.media.image_files import read_image
from yolact_core.visualization import draw_overlay

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL = (300, 400)  # height and width of a picture on the sheet, pixels
SUFFIXES = ('.jpg', '.png')
MOST_BYTES = 400_000
QUALITIES = range(90, 40, -5)


def lay_out(pictures: list[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Return pictures as a grid, each shrunk into its cell; cells are white where it ends."""
    cells = [into_cell(picture) for picture in pictures]
    cells += [into_cell(np.full((1, 1, 3), 255, np.uint8))] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def into_cell(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture shrunk to fit a cell, in its middle."""
    factor = min(side / extent for side, extent in zip(CELL, picture.shape[:2], strict=True))
    height, width = (max(1, int(extent * factor)) for extent in picture.shape[:2])
    cell = np.full((*CELL, 3), 255, np.uint8)
    top, left = (CELL[0] - height) // 2, (CELL[1] - width) // 2
    shrunk = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    cell[top : top + height, left : left + width] = shrunk
    return cell


def encode(sheet: NDArray[np.uint8], most_bytes: int) -> bytes:
    """Return a JPEG of the best quality that fits.

    Args:
        sheet: RGB, shape (H, W, 3).
        most_bytes: What it must fit into.

    Raises:
        SystemExit: None fits.
    """
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    for quality in QUALITIES:
        _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= most_bytes:
            return data.tobytes()
    raise SystemExit(f'the sheet must have at most {most_bytes} bytes, got {len(data)}')


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='of pictures')
    parser.add_argument('output', type=Path, help='JPEG file to write')
    parser.add_argument('--model', default='indoor', help='name or file')
    parser.add_argument('--score-threshold', type=float, default=0.3, help='in [0, 1)')
    parser.add_argument('--columns', type=int, default=4)
    arguments = parser.parse_args()
    detector = Detector.load(
        arguments.model, backend='torch', score_threshold=arguments.score_threshold
    )
    images = [
        read_image(path) for path in sorted(arguments.folder.iterdir()) if path.suffix in SUFFIXES
    ]
    pictures = [draw_overlay(rgb, detector(rgb)) for rgb in images]
    sheet = lay_out(pictures, arguments.columns)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(encode(sheet, MOST_BYTES))
    parser.exit(message=f'{len(pictures)} pictures: {arguments.output}\n')


if __name__ == '__main__':
    main()
