"""Masks, boxes and labels drawn over an image, fast enough for live video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.compiled import kernels
from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import Crop
from yolact_core.palette import Color, make_palette
from yolact_core.tracking import Tracks
from yolact_core.visualization.shrinking import shrink_image, shrink_masks
from yolact_core.visualization.tags import TagPlaces, paste_tag, render_tag
from yolact_core.visualization.tinting import tint_with_opencv

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
        scale: Side of the drawing as a fraction of the image's, in (0, 1].

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
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise InputError(f'alpha must be in [0, 1], got {self.alpha!r}')
        if self.color_by not in ('class', 'instance', 'track'):
            raise InputError(f'color_by must be class, instance or track, got {self.color_by!r}')
        if not self.trails >= 0:
            raise InputError(f'trails must be 0 seconds or more, got {self.trails!r}')
        if not 0 < self.scale <= 1:
            raise InputError(f'scale must be above 0 and at most 1, got {self.scale!r}')


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
        A new image of the same shape, or smaller by ``style.scale``.

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
    image = shrink_image(rgb, style.scale)
    height, width = image.shape[:2]
    ratio = np.array([width / rgb.shape[1], height / rgb.shape[0]])
    side = float(np.sqrt(height * width))
    thickness = max(1, round(side * LINE_FRACTION))
    if style.masks or style.contours:
        _draw_masks(
            image, shrink_masks(detections.masks, (height, width)), colors, style, thickness
        )
    boxes = _whole_boxes(detections.boxes * np.tile(ratio, 2), (height, width))
    if style.boxes:
        for (x1, y1, x2, y2), color in reversed(list(zip(boxes, colors, strict=True))):
            cv2.rectangle(image, (x1, y1), (x2, y2), color, thickness)
    trails = tracks.trails if tracks else ()
    for trail, color in reversed(list(zip(trails, colors, strict=False))):
        points = [np.rint(trail * ratio).astype(np.int32)]
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
    crops: list[Crop],
    colors: list[Color],
    style: OverlayStyle,
    thickness: int,
) -> None:
    """Mix each mask's pixels of the image with its colour, worst first, in place."""
    opacity = style.alpha if style.masks else 0.0
    dimmed = np.asarray(cv2.convertScaleAbs(image, alpha=1 - opacity), dtype=np.uint8)
    edge = thickness if style.contours else 0
    tint = tint_with_opencv if kernels is None else kernels.tint
    for mask, color in reversed(list(zip(crops, colors, strict=True))):
        red, green, blue = (round(opacity * value) for value in color)
        tint(image, dimmed, mask, (red, green, blue), color, edge)


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


def _whole_boxes(
    boxes: npt.NDArray[np.floating], size: tuple[int, int]
) -> list[tuple[int, int, int, int]]:
    """Return the first and last column and row of each box, whole pixels within the image."""
    height, width = size
    low = np.floor(boxes)
    low[:, 2:] = np.ceil(boxes[:, 2:]) - 1
    inside = np.clip(low, 0, [width - 1, height - 1, width - 1, height - 1]).astype(int)
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in inside.tolist()]


def _as_text(size: tuple[int, ...]) -> str:
    return ' x '.join(map(str, size))
