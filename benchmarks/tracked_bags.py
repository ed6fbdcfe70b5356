"""Images with objects that have ids, detections of them, and how tracks of these are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.dataset.segmentation import coco_mask
from yolact_core.detections import Detections
from yolact_core.evaluation.tracks import TrackedImage
from yolact_core.masks.instance_masks import Crop, InstanceMasks, trim_mask
from yolact_ros.bag.io.bag import NS_PER_S, Bag
from yolact_ros.images.decoding import compressed_to_rgb
from yolact_ros.messages.detections import to_detections
from yolact_ros.messages.stamps import stamp_of

IMAGES, TRUTH = '/camera/image/compressed', '/camera/truth'
DROPPED = 0.2  # share of objects that a detector with noise misses in an image
JITTER = 0.03  # standard deviation of each side of a box, as a share of its width or height
FLICKERS = 0.1  # share of detections whose class is another
LEAST_SCORE = 0.3
SAME = 0.5  # IoU from which on a detection shows an object that need not be found


@dataclass(frozen=True)
class Scene:
    """One image with its truth.

    Args:
        stamp: Time in seconds.
        rgb: Image, shape (H, W, 3).
        objects: All objects; the score of those that need not be found is 0.
        ids: Id of each object.
    """

    stamp: float
    rgb: npt.NDArray[np.uint8]
    objects: Detections
    ids: tuple[str, ...]

    @property
    def is_asked(self) -> npt.NDArray[np.bool_]:
        """Whether each object has to be found."""
        return self.objects.scores > 0


def read_scenes(path: Path) -> list[Scene]:
    """Read a bag as the recipes write it."""
    with Bag(path, print) as bag:
        truth = {stamp_of(message.header): message for _, message in bag.messages([TRUTH])}
        names = {one.class_name for message in truth.values() for one in message.instances}
        scenes = []
        for _, message in bag.messages([IMAGES]):
            stamp = stamp_of(message.header)
            instances = sorted(truth[stamp].instances, key=lambda one: -one.score)
            scenes.append(
                Scene(
                    stamp / NS_PER_S,
                    compressed_to_rgb(message),
                    to_detections(truth[stamp], tuple(sorted(names))),
                    tuple(one.id for one in instances),
                )
            )
    return scenes


def add_noise(scene: Scene, random: np.random.Generator) -> Detections:
    """Return what a detector might find that misses objects and is not sure of boxes and classes.

    Args:
        scene: Image with its objects.
        random: Source of randomness.
    """
    truth = scene.objects[scene.is_asked]
    truth = truth[random.random(len(truth)) >= DROPPED]
    height, width = truth.size
    sides = np.tile(truth.boxes[:, 2:] - truth.boxes[:, :2], 2)
    boxes = truth.boxes + random.normal(0, JITTER, (len(truth), 4)) * sides
    boxes = np.rint(boxes.clip(0, [width, height, width, height])).astype(np.int64)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    crops = [_fit(crop, box) for (crop, _), box in zip(truth.masks, boxes, strict=True)]
    names = truth.all_class_names
    others = random.integers(len(names), size=len(truth))
    scores = random.uniform(LEAST_SCORE, 1, len(truth)).astype(np.float32)
    return replace(
        truth,
        boxes=boxes.astype(np.float32),
        scores=scores,
        mask_scores=scores,
        class_ids=np.where(random.random(len(truth)) < FLICKERS, others, truth.class_ids),
        masks=InstanceMasks.from_crops(crops, truth.size),
    )


def _fit(mask: npt.NDArray[np.bool_], box: npt.NDArray[np.int64]) -> Crop:
    """Stretch a mask into a box."""
    x1, y1, x2, y2 = box.tolist()
    stretched = cv2.resize(
        mask.astype(np.uint8), (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST
    )
    return trim_mask(stretched.astype(np.bool_), (x1, y1))


@dataclass(frozen=True)
class Judge:
    """Compares tracks in an image with its truth.

    A detection that shows an object which need not be found counts neither way.

    Args:
        ids: Ids of the objects that have to be found, shape (T,).
        similarity: IoU of the masks of these with those of the detections, shape (T, N).
        is_judged: Whether each detection counts, shape (N,).
    """

    ids: tuple[str, ...]
    similarity: npt.NDArray[np.float64]
    is_judged: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, scene: Scene, detections: Detections) -> Judge:
        """Compare the masks of the detections with those of the objects."""
        overlaps = _mask_iou(scene.objects.masks, detections.masks)
        asked, left = overlaps[scene.is_asked], overlaps[~scene.is_asked]
        ids = tuple(np.array(scene.ids, dtype=object)[scene.is_asked].tolist())
        best = [one.max(axis=0, initial=0.0) for one in (asked, left)]
        return cls(ids, asked, (best[1] < SAME) | (best[0] >= best[1]))

    def look(self, tracks: Sequence[str]) -> TrackedImage:
        """Return the image with the track of each detection, empty where it has none."""
        kept = [
            index
            for index, (track, is_judged) in enumerate(zip(tracks, self.is_judged, strict=True))
            if track and is_judged
        ]
        return TrackedImage(
            self.ids, tuple(tracks[index] for index in kept), self.similarity[:, kept]
        )


def _mask_iou(first: InstanceMasks, second: InstanceMasks) -> npt.NDArray[np.float64]:
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    rles = second.coco_rles()
    return np.asarray(coco_mask().iou(first.coco_rles(), rles, [0] * len(rles)))
