"""Masks, boxes and labels drawn over an image, fast enough for live video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.palette import Color, make_palette
from yolact_core.tracking import Tracks
from yolact_core.visualization.tags import TagPlaces, paste_tag, render_tag

TEXT_FRACTION = 0.022  # of the side of a square as large as the image
LINE_FRACTION = 0.0022
SMALLEST_TEXT = 11  # pixels


@dataclass(frozen=True)
class OverlayStyle:
    """What is drawn, and how.

    Args:
        alpha: Opacity of the masks in [0, 1].
        color_by: Whether instances of a ``class`` share a colour, or each ``instance``, or each
            ``track`` has its own; one without a track is coloured as an instance.
        masks: Tint the masks.
        contours: Draw the outlines of the masks.
        boxes: Draw the boxes.
        labels: Write the class beside each box.
        scores: Write the score beside the class.
        trails: Seconds for which the way of each track is drawn, where ``Trails`` follows it.

    Raises:
        InputError: A value is outside its range.
    """

    alpha: float = 0.45
    color_by: Literal['class', 'instance', 'track'] = 'class'
    masks: bool = True
    contours: bool = True
    boxes: bool = True
    labels: bool = True
    scores: bool = True
    trails: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise InputError(f'alpha must be in [0, 1], got {self.alpha!r}')
        if self.color_by not in ('class', 'instance', 'track'):
            raise InputError(f'color_by must be class, instance or track, got {self.color_by!r}')
        if not self.trails >= 0:
            raise InputError(f'trails must be 0 seconds or more, got {self.trails!r}')


def draw_overlay(
    rgb: npt.NDArray[np.uint8],
    detections: Detections,
    style: OverlayStyle | None = None,
    palette: Sequence[Color] | None = None,
    tracks: Tracks | None = None,
) -> npt.NDArray[np.uint8]:
    """Draw detections over their image, the best on top.

    Where masks overlap, a pixel takes the colour of the best one alone. Lines and letters grow
    with the image.

    Args:
        rgb: The image, left as it is, shape (H, W, 3).
        detections: What was found in the image.
        style: What is drawn, and how. Default: everything.
        palette: Colour of each class, of each instance by rank, or of each track by its number,
            used in a circle. Default: one in which neighbours differ much.
        tracks: Tracks of the detections, whose ids are written beside the classes, and whose
            trails are drawn.

    Returns:
        A new image of the same shape.

    Raises:
        InputError: The detections are of an image of another size.
    """
    if rgb.shape[:2] != detections.size:
        raise InputError(
            f'image must be {_as_text(detections.size)} (height x width) as the detections say, '
            f'got {_as_text(rgb.shape)}'
        )
    style = style or OverlayStyle()
    colors = pick_colors(detections, style, palette, tracks)
    image: npt.NDArray[np.uint8] = rgb.copy(order='C')
    side = float(np.sqrt(image.shape[0] * image.shape[1]))
    thickness = max(1, round(side * LINE_FRACTION))
    if style.masks or style.contours:
        _draw_masks(image, rgb, detections, colors, style, thickness)
    boxes = _whole_boxes(detections)
    if style.boxes:
        for (x1, y1, x2, y2), color in reversed(list(zip(boxes, colors, strict=True))):
            cv2.rectangle(image, (x1, y1), (x2, y2), color, thickness)
    trails = tracks.trails if tracks else ()
    for trail, color in reversed(list(zip(trails, colors, strict=False))):
        points = [np.rint(trail).astype(np.int32)]
        cv2.polylines(image, points, isClosed=False, color=color, thickness=2 * thickness)
    if style.labels:
        text_size = max(SMALLEST_TEXT, round(side * TEXT_FRACTION))
        _write_labels(
            image, boxes, label_texts(detections, style.scores, tracks), colors, text_size
        )
    return image


def label_texts(
    detections: Detections, with_scores: bool = True, tracks: Tracks | None = None
) -> list[str]:
    """Return what is written beside each instance: class, track and score in percent."""
    texts = detections.class_names
    if tracks is not None:
        ids = zip(texts, tracks.ids, strict=True)
        texts = [f'{text} #{track_id}' if track_id else text for text, track_id in ids]
    if not with_scores:
        return texts
    return [
        f'{text} {score:.0%}'
        for text, score in zip(texts, detections.scores.tolist(), strict=True)
    ]


def pick_colors(
    detections: Detections,
    style: OverlayStyle,
    palette: Sequence[Color] | None,
    tracks: Tracks | None,
) -> list[Color]:
    """Return the colour of each instance.

    Args:
        detections: Instances of one image.
        style: What has a colour.
        palette: Colours to choose from, as in ``draw_overlay``.
        tracks: Tracks of the detections.
    """
    indices = list(range(len(detections)))
    if style.color_by == 'class':
        indices = detections.class_ids.tolist()
    elif style.color_by == 'track' and tracks is not None:
        pairs = zip(tracks.ids, indices, strict=True)
        indices = [int(track_id) if track_id else index for track_id, index in pairs]
    palette = palette or make_palette(max(indices, default=0) + 1)
    return [palette[index % len(palette)] for index in indices]


def _draw_masks(
    image: npt.NDArray[np.uint8],
    rgb: npt.NDArray[np.uint8],
    detections: Detections,
    colors: list[Color],
    style: OverlayStyle,
    thickness: int,
) -> None:
    """Mix each mask's pixels of the original with its colour, worst first, in place.

    Whole crops are worked on in bytes, and the mask only picks what is kept of that: this is many
    times faster than touching the mask's pixels alone.
    """
    kernel = np.ones((2 * thickness + 1, 2 * thickness + 1), dtype=np.uint8)
    opacity = style.alpha if style.masks else 0.0
    for (crop, (x, y)), color in reversed(list(zip(detections.masks, colors, strict=True))):
        if crop.size == 0:
            continue
        mask = np.ascontiguousarray(crop).view(np.uint8)
        window = slice(y, y + crop.shape[0]), slice(x, x + crop.shape[1])
        share = np.array([*color, 0], dtype=np.float64) * opacity
        tinted = cv2.add(cv2.convertScaleAbs(rgb[window], alpha=1 - opacity), share)
        cv2.copyTo(tinted, mask, image[window])
        if style.contours:
            core = cv2.erode(mask, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
            cv2.rectangle(tinted, (0, 0), tinted.shape[1::-1], color, cv2.FILLED)
            cv2.copyTo(tinted, mask - core, image[window])


def _write_labels(
    image: npt.NDArray[np.uint8],
    boxes: list[tuple[int, int, int, int]],
    texts: list[str],
    colors: list[Color],
    text_size: int,
) -> None:
    """Put a tag beside each box, in place: the best ones choose first and are drawn last."""
    places = TagPlaces((image.shape[0], image.shape[1]))
    tags = [render_tag(text, text_size, color) for text, color in zip(texts, colors, strict=True)]
    corners = [
        places.take(box, (tag.shape[0], tag.shape[1]))
        for box, tag in zip(boxes, tags, strict=True)
    ]
    for tag, (x, y) in reversed(list(zip(tags, corners, strict=True))):
        paste_tag(image, tag, x, y)


def _whole_boxes(detections: Detections) -> list[tuple[int, int, int, int]]:
    """Return the first and last column and row of each box, whole pixels within the image."""
    height, width = detections.size
    low = np.floor(detections.boxes)
    low[:, 2:] = np.ceil(detections.boxes[:, 2:]) - 1
    inside = np.clip(low, 0, [width - 1, height - 1, width - 1, height - 1]).astype(int)
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in inside.tolist()]


def _as_text(size: tuple[int, ...]) -> str:
    return ' x '.join(map(str, size))
