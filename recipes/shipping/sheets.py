"""Sheets of pictures: what a model finds, and what a data set shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from yolact_core import Detector
from yolact_core.cli.options import argument, option
from yolact_core.dataset.annotations import read_json
from yolact_core.media.image_files import read_image, write_image
from yolact_core.terminal import say
from yolact_core.visualization import OverlayStyle, draw_overlay

CELL = (300, 400)  # height and width of a picture on the contact sheet, pixels
SUFFIXES = ('.jpg', '.png')
MOST_BYTES = 400_000
QUALITIES = range(90, 40, -5)


@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """Options of the step ``sheet``."""

    folder: Path = argument('folder of pictures')
    output: Path = argument('JPEG file to write')
    model: str = option('name or file of the model', 'indoor')
    score_threshold: float = option('in [0, 1)', 0.3)
    columns: int = option('pictures beside each other', 4)
    annotations: Path | None = option('COCO file that lists the pictures; default: all')


def run_sheet(options: SheetOptions) -> None:
    """Lay what a model finds in the pictures of a folder onto one sheet."""
    detector = Detector.load(
        options.model, backend='torch', score_threshold=options.score_threshold
    )
    images = [read_image(path) for path in find_pictures(options.folder, options.annotations)]
    pictures = [draw_overlay(rgb, detector(rgb)) for rgb in images]
    sheet = lay_out(pictures, options.columns)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(encode(sheet, MOST_BYTES))
    say(f'{len(pictures)} pictures: {options.output}')


def find_pictures(folder: Path, annotations: Path | None) -> list[Path]:
    """Return the pictures of a folder, or those of them that a COCO file lists, by name."""
    if annotations is None:
        return [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]
    return sorted(folder / image['file_name'] for image in read_json(annotations)['images'])


@dataclass(frozen=True, kw_only=True)
class PreviewOptions:
    """Options of the step ``preview``."""

    dataset: Path = argument('output folder of the step render')
    output: Path = argument('PNG file to write')
    count: int = option('number of images', 24)
    columns: int = option('images beside each other', 4)
    plain: bool = option('do not draw the masks', False)


def run_preview(options: PreviewOptions) -> None:
    """Draw images of a rendered data set with their masks onto one sheet, to look at.

    What is to be ignored has a score of 0 %.
    """
    from recipes.indoor.dataset.annotations import read_coco, to_detections

    images, class_names = read_coco(options.dataset / 'instances.json')
    style, pictures = OverlayStyle(alpha=0.35, color_by='instance', boxes=False), []
    for index in np.linspace(0, len(images) - 1, options.count).astype(int):
        image = images[index]
        rgb = read_image(options.dataset / 'images' / image.name)
        truth = to_detections(image.annotations, image.size, class_names)
        pictures.append(rgb if options.plain else draw_overlay(rgb, truth, style))
    write_image(options.output, lay_out(pictures, options.columns, pictures[0].shape[:2]))


def lay_out(
    pictures: list[NDArray[np.uint8]], columns: int, cell: tuple[int, ...] = CELL
) -> NDArray[np.uint8]:
    """Return a grid of pictures, each shrunk into its cell; what is left of a cell is white.

    Args:
        pictures: RGB pictures of any size, each of shape (H, W, 3).
        columns: Number of cells beside each other.
        cell: Height and width of a cell in pixels.
    """
    cells = [into_cell(picture, cell) for picture in pictures]
    cells += [np.full((*cell, 3), 255, np.uint8)] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def into_cell(picture: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a picture shrunk to fit a cell of a size in pixels, in its middle."""
    factor = min(side / extent for side, extent in zip(size, picture.shape[:2], strict=True))
    height, width = (max(1, int(extent * factor)) for extent in picture.shape[:2])
    cell = np.full((*size, 3), 255, np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    shrunk = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    cell[top : top + height, left : left + width] = shrunk
    return cell


def encode(sheet: NDArray[np.uint8], most_bytes: int) -> bytes:
    """Return a JPEG of the best quality that fits.

    Args:
        sheet: RGB picture, shape (H, W, 3).
        most_bytes: Largest size of the file in bytes.

    Raises:
        SystemExit: It is larger in any quality.
    """
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    for quality in QUALITIES:
        _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= most_bytes:
            return data.tobytes()
    raise SystemExit(f'the sheet must have at most {most_bytes} bytes, got {len(data)}')
