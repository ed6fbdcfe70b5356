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
QUALITY = 80  # of JPEG

Look = Callable[[FrameRecord], FrameView]


@dataclass(frozen=True)
class Picture:
    """One picture.

    Args:
        title: What it shows, in a word or two.
        description: What is in it, for who cannot see it.
        source: A data URI.
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
        pick: Which image, and why.
        pictures: Truth first, then each contender's.
        class_ids: Of what is in it or was found.
    """

    pick: Pick
    pictures: tuple[Picture, ...]
    class_ids: frozenset[int]

    @property
    def id(self) -> str:
        """In the page."""
        record = self.pick.record
        return f'image-{record.index}{record.topic.replace("/", "-")}'


def draw_cards(
    picks: Sequence[Pick],
    frames: Sequence[FrameRecord],
    names: Sequence[str],
    class_names: Sequence[str],
    look: Look,
) -> list[Card]:
    """Look at the picked images again, in the order of recording, and draw them.

    Args:
        picks: Which images.
        frames: All of them; the one before a picked one is shown where it matters.
        names: Of the contenders.
        class_names: That take part.
        look: Reads an image and finds again what is in it.

    Returns:
        In the order of the picks; one that can no longer be read is left out.
    """
    before = {
        _key(frame): earlier
        for earlier, frame in itertools.pairwise(frames)
        if earlier.topic == frame.topic
    }
    cards = {}
    for pick in sorted(picks, key=lambda one: one.record.time):
        key = _key(pick.record)
        earlier = before.get(key) if pick.is_about_time else None
        try:
            first = None if earlier is None else look(earlier)
            cards[key] = _draw_card(pick, first, look(pick.record), names, class_names)
        except InputError:
            continue
    return [cards[key] for pick in picks if (key := _key(pick.record)) in cards]


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
    data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
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


def _key(frame: FrameRecord) -> tuple[str, int]:
    return frame.topic, frame.index
