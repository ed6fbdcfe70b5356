"""What prototypes look like, and how instances combine them (YOLACT, figures 2 and 5)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.palette import Color
from yolact_core.visualization.overlay import OverlayStyle, draw_overlay, label_texts
from yolact_core.visualization.tags import paste_tag, render_tag

TILE_HEIGHT = 132  # pixels
GAP = 4  # pixels between tiles
TEXT_SIZE = 13  # pixels
MOSAIC_COLUMNS = 8
BACKGROUND = 24  # grey between the tiles
DIMMED = 0.35  # how much of the image shines through
TAG: Color = (40, 40, 40)
POSITIVE: Color = (255, 140, 0)
NEGATIVE: Color = (0, 120, 255)


def draw_prototypes(
    prototypes: npt.NDArray[np.float32], rgb: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Draw all prototypes as a mosaic, each from dark (0) to bright (its own maximum).

    Args:
        prototypes: Non-negative, shape (K, Hp, Wp).
        rgb: Image that they belong to, which gives the tiles their shape, (H, W, 3).

    Returns:
        RGB, every tile tagged with its number, from 0, and its maximum.
    """
    width = _tile_width(rgb)
    tiles = []
    for index, prototype in enumerate(prototypes):
        peak = float(prototype.max())
        grey = np.clip(prototype * (255 / max(peak, 1e-6)), 0, 255).astype(np.uint8)
        heat = cv2.applyColorMap(_resize(grey, width), cv2.COLORMAP_INFERNO)
        tile = cv2.cvtColor(heat, cv2.COLOR_BGR2RGB)
        tiles.append(_label(np.asarray(tile, dtype=np.uint8), f'{index}   max {peak:.3g}', TAG))
    return _arrange([tiles[i : i + MOSAIC_COLUMNS] for i in range(0, len(tiles), MOSAIC_COLUMNS)])


def draw_combinations(
    prototypes: npt.NDArray[np.float32],
    rgb: npt.NDArray[np.uint8],
    detections: Detections,
    strongest: int = MOSAIC_COLUMNS - 2,
    most: int = 8,
) -> npt.NDArray[np.uint8]:
    """Draw how the best instances are put together, one row for each.

    A row shows the instance, its strongest prototypes times their coefficients, and the sum over
    all prototypes, whose positive part is the mask. Orange adds to the mask, blue takes away.

    Args:
        prototypes: Non-negative, shape (K, Hp, Wp).
        rgb: Image that they belong to, shape (H, W, 3).
        detections: What was found in the image.
        strongest: Prototypes in each row: those with the largest coefficients, whatever the sign.
        most: Number of rows at most.

    Returns:
        RGB; without detections a single row that shows the image.
    """
    width = _tile_width(rgb)
    small = _resize(rgb, width)
    if len(detections) == 0:
        return _arrange([[_label(small, 'nothing found', TAG)]])
    rows = []
    texts = label_texts(detections)
    for index in range(min(len(detections), most)):
        coefficients = detections.coefficients[index]
        order = np.argsort(-np.abs(coefficients), kind='stable')[:strongest].tolist()
        parts = prototypes * coefficients[:, None, None]  # (K, Hp, Wp)
        peak = float(np.abs(parts[order]).max())
        overlay = draw_overlay(rgb, detections[[index]], OverlayStyle(labels=False))
        row = [_label(_resize(overlay, width), texts[index], TAG)]
        for position in order:
            tile = _draw_signed(parts[position], peak, small)
            coefficient = float(coefficients[position])
            color = POSITIVE if coefficient >= 0 else NEGATIVE
            row.append(_label(tile, f'{coefficient:+.2f} x {position}', color))
        total = parts.sum(axis=0)
        whole = _draw_signed(total, float(np.abs(total).max()), small)
        rows.append([*row, _label(whole, f'sum of all {len(prototypes)}', TAG)])
    return _arrange(rows)


def stack_pictures(*pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Put pictures of different widths under each other."""
    width = max(picture.shape[1] for picture in pictures)
    margins = [((0, 0), (0, width - picture.shape[1]), (0, 0)) for picture in pictures]
    return np.concatenate(
        [
            np.pad(picture, margin, constant_values=BACKGROUND)
            for picture, margin in zip(pictures, margins, strict=True)
        ]
    )


def _tile_width(rgb: npt.NDArray[np.uint8]) -> int:
    height, width = rgb.shape[:2]
    return int(np.clip(round(TILE_HEIGHT * width / height), TILE_HEIGHT // 2, 3 * TILE_HEIGHT))


def _draw_signed(
    values: npt.NDArray[np.float32], peak: float, small: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Lay orange over a dimmed image where values are positive, and blue where negative.

    Args:
        values: Values on the grid of the prototypes, shape (Hp, Wp).
        peak: Magnitude that gives the full colour.
        small: The image in the size of a tile, RGB.
    """
    shares = np.stack([values, -values]).clip(min=0) / max(peak, 1e-6)  # (2, Hp, Wp)
    added, taken = (
        _resize(np.rint(255 * share.clip(max=1)).astype(np.uint8), small.shape[1])[..., None] / 255
        for share in shares
    )  # (h, w, 1)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)[..., None] * DIMMED
    mixed = grey * (1 - added - taken).clip(min=0) + added * POSITIVE + taken * NEGATIVE
    return np.asarray(np.rint(mixed).clip(0, 255), dtype=np.uint8)


def _resize(image: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    """Return an image in the size of a tile."""
    size = (width, TILE_HEIGHT)
    interpolation = cv2.INTER_AREA if image.shape[0] > TILE_HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)


def _label(tile: npt.NDArray[np.uint8], text: str, color: Color) -> npt.NDArray[np.uint8]:
    """Return the tile with a tag in its upper left corner."""
    labelled: npt.NDArray[np.uint8] = tile.copy()
    paste_tag(labelled, render_tag(text, TEXT_SIZE, color), 0, 0)
    return labelled


def _arrange(rows: list[list[npt.NDArray[np.uint8]]]) -> npt.NDArray[np.uint8]:
    """Lay out tiles of one size with gaps around them."""
    height, width = rows[0][0].shape[:2]
    columns = max(len(row) for row in rows)
    canvas = np.full(
        (len(rows) * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3),
        BACKGROUND,
        dtype=np.uint8,
    )
    for row, tiles in enumerate(rows):
        for column, tile in enumerate(tiles):
            y, x = GAP + row * (height + GAP), GAP + column * (width + GAP)
            canvas[y : y + height, x : x + width] = tile
    return canvas
