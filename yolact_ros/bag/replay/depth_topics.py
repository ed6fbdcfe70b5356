"""Which topics of a bag have the depth and the calibration of which images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from yolact_core.errors import InputError
from yolact_ros.bag.image_selection import DepthSelection
from yolact_ros.bag.io.bag import DEPTH, Bag, Message, Topic
from yolact_ros.bag.io.cameras import COMPRESSED_DEPTH
from yolact_ros.messages.outputs import Need
from yolact_ros.messages.types import CAMERA_INFO, IMAGE_TYPES


@dataclass(frozen=True)
class DepthTopics:
    """What is recorded beside the images of a camera.

    Args:
        depth: Topic of the depth that is registered to them; None where nobody needs any.
        camera_info: Topic of their calibration.
    """

    depth: str | None
    camera_info: str


def choose_depth(
    bag: Bag, images: Sequence[str], selection: DepthSelection, need: Need = Need.DEPTH
) -> dict[str, DepthTopics]:
    """Return the topics beside each topic of images: those that are named, or of its frame.

    Of several in the frame of the images, those are taken whose names begin like theirs for
    longest.

    Args:
        bag: Bag, open for reading.
        images: Topics of images.
        selection: Topics that are named.
        need: What is needed beside the images; nothing is looked for that is not.

    Raises:
        InputError: There is none, or it cannot be told which.
    """
    if need is Need.IMAGE:
        return {}
    depth, camera_info = selection.depth, selection.camera_info
    if len(images) > 1 and (depth or camera_info):
        raise InputError(
            f'--depth and --camera-info must go with one topic of images, got {", ".join(images)}'
        )
    if depth:
        bag.select_topic(depth, IMAGE_TYPES)
    if camera_info:
        bag.select_topic(camera_info, (CAMERA_INFO,))
    infos = [topic for topic in bag.topics if topic.type == CAMERA_INFO and topic.count]
    depths = _list_depths(bag) if need is Need.DEPTH else []
    return {
        image: DepthTopics(
            (depth or _choose(bag, image, depths, '--depth')) if need is Need.DEPTH else None,
            camera_info or _choose(bag, image, infos, '--camera-info'),
        )
        for image in images
    }


def _list_depths(bag: Bag) -> list[Topic]:
    """Return the topics of depth, each once."""
    depths = [topic for topic in bag.topics if topic.is_image and bag.find_use(topic) == DEPTH]
    doubles = {f'{topic.name}/{COMPRESSED_DEPTH}' for topic in depths}
    return [topic for topic in depths if topic.name not in doubles]


def _choose(bag: Bag, image: str, candidates: Sequence[Topic], option: str) -> str:
    frame_id = _read_first(bag, image).header.frame_id
    frames = {topic.name: _read_first(bag, topic.name).header.frame_id for topic in candidates}
    fitting = [name for name, frame in frames.items() if frame == frame_id]
    most = max((_count_common(name, image) for name in fitting), default=0)
    nearest = [name for name in fitting if _count_common(name, image) == most]
    if len(nearest) == 1:
        return nearest[0]
    found = ', '.join(f'{name} in frame {frame!r}' for name, frame in frames.items())
    raise InputError(
        f'{option} must name one of several topics beside {image}: {", ".join(nearest)}'
        if nearest
        else f'bag {bag.path} must hold a topic for {option} in frame {frame_id!r}, that of '
        f'{image}, got {found or "none"}'
    )


def _read_first(bag: Bag, topic: str) -> Message:
    """Return the first message of a topic.

    Raises:
        InputError: None can be read.
    """
    for _, message in bag.messages([topic]):
        return message
    raise InputError(f'bag {bag.path} must hold a whole message on {topic}, got none')


def _count_common(name: str, other: str) -> int:
    """Return how many parts two names have in common at their beginning."""
    parts = zip(name.split('/'), other.split('/'), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], parts)))
