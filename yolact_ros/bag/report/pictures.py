"""The images that were picked, with what was found drawn over them, small enough for a page."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import coco_mask
from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_core.palette import make_palette
from yolact_core.visualization import OverlayStyle, draw_overlay
from yolact_ros.bag.evaluate.frame_evaluation import FrameView
from yolact_ros.bag.evaluate.records import FrameRecord
from yolact_ros.bag.evaluate.truth import FrameTruth
from yolact_ros.bag.report.selection import Pick

MOST_WIDTH, MOST_HEIGHT = 560, 560  # pixels
JPEG_QUALITY = 80

Look = Callable[[FrameRecord], FrameView]


@dataclass(frozen=True)
class Picture:
    """One picture.

    Args:
        title: What it shows, in a word or two.
        description: What is in it, for those who cannot see it.
        source: JPEG as a data URI.
        size: Height and width in pixels.
    """

    title: str
    description: str
    source: str
    size: tuple[int, int]


@dataclass(frozen=True)
class Card:
    """An image that was picked, with its pictures side by side.

    Args:
        pick: The image, and why it was picked.
        pictures: The truth first, then what each contender found.
        class_ids: Classes that are in it or were found.
    """

    pick: Pick
    pictures: tuple[Picture, ...]
    class_ids: frozenset[int]

    @property
    def key(self) -> tuple[str, int]:
        """Topic and number of the image."""
        return self.pick.record.key

    @property
    def id(self) -> str:
        """Id in the page."""
        topic, index = self.key
        return f'image-{index}{topic.replace("/", "-")}'


def draw_cards(
    picks: Sequence[Pick],
    frames: Sequence[FrameRecord],
    names: Sequence[str],
    class_names: Sequence[str],
    look: Look,
) -> list[Card]:
    """Look at the picked images again, in the order of recording, and draw them.

    Args:
        picks: Images to draw.
        frames: Records of all images; the one before a pick is shown where it matters.
        names: Names of the contenders.
        class_names: Classes that take part.
        look: Function that reads an image and finds again what is in it.

    Returns:
        In the order of the picks; one that can no longer be read is left out.
    """
    before = {
        frame.key: earlier
        for earlier, frame in itertools.pairwise(frames)
        if earlier.topic == frame.topic
    }
    cards = {}
    for pick in sorted(picks, key=lambda one: one.record.time):
        key = pick.record.key
        earlier = before.get(key) if pick.is_about_time else None
        try:
            first = None if earlier is None else look(earlier)
            cards[key] = _draw_card(pick, first, look(pick.record), names, class_names)
        except InputError:
            continue
    return [cards[key] for pick in picks if (key := pick.record.key) in cards]


def _draw_card(
    pick: Pick,
    before: FrameView | None,
    view: FrameView,
    names: Sequence[str],
    class_names: Sequence[str],
) -> Card:
    class_ids = {one for found in view.found for one in found.class_ids.tolist()}
    pictures = []
    if view.truth is not None:
        truth = _to_detections(view.truth, tuple(class_names))
        class_ids |= set(truth.class_ids.tolist())
        pictures.append(_draw('truth', view, truth, class_names, with_scores=False))
    for index, name in enumerate(names):
        if before is not None:
            title = f'{name}, image before'
            pictures.append(_draw(title, before, before.found[index], class_names))
        pictures.append(_draw(name, view, view.found[index], class_names))
    return Card(pick, tuple(pictures), frozenset(class_ids))


def _draw(
    title: str,
    view: FrameView,
    found: Detections,
    class_names: Sequence[str],
    *,
    with_scores: bool = True,
) -> Picture:
    style = OverlayStyle(scores=with_scores)
    drawn = _shrink(draw_overlay(view.rgb, found, style, make_palette(len(class_names))))
    bgr = cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)
    data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    counts = Counter(found.class_names)
    listed = ', '.join(f'{count} {name}' for name, count in sorted(counts.items()))
    return Picture(
        title,
        f'{title}: {listed or "nothing"}',
        f'data:image/jpeg;base64,{base64.b64encode(data).decode()}',
        (drawn.shape[0], drawn.shape[1]),
    )


def _shrink(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = min(MOST_WIDTH / width, MOST_HEIGHT / height)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _to_detections(truth: FrameTruth, class_names: tuple[str, ...]) -> Detections:
    """Return the objects of an image as if they had been found."""
    image = truth.image
    decoded = [coco_mask().decode(rle).astype(np.bool_) for rle in image.rles]
    ones = np.ones(len(decoded), dtype=np.float32)
    return Detections(
        boxes=image.boxes.astype(np.float32).reshape(-1, 4),
        scores=ones,
        mask_scores=ones,
        class_ids=image.class_ids,
        coefficients=np.zeros((len(decoded), 0), dtype=np.float32),
        masks=InstanceMasks.from_dense(decoded, image.size),
        all_class_names=class_names,
    )
