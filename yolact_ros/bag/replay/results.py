"""What is written about each image of a bag, and below which names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yolact_core.detections import Detections
from yolact_core.detector import Detector
from yolact_core.palette import make_palette
from yolact_ros.bag.io.bag import NS_PER_S, Message
from yolact_ros.bag.replay.frames import Frame
from yolact_ros.health.freshness import Counters
from yolact_ros.health.latencies import StageTimes
from yolact_ros.messages import outputs
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.outputs import Output
from yolact_ros.messages.result import Result
from yolact_ros.messages.topic_names import make_legal
from yolact_ros.messages.types import IMAGE, MODEL_INFO

NODE = '/yolact'
MODEL_INFO_TOPIC = f'{NODE}/model_info'
VIEW = 'tracking_view'  # what a tracker looks at of each image; in parts only
TRANSPORTS = ('compressed',)
IMAGE_NAMES = ('image', 'image_raw', 'image_color', 'image_mono', 'image_rect', 'image_rect_color')


def select_outputs(names: Sequence[str]) -> tuple[Output, ...]:
    """Return outputs by the names of their topics.

    Raises:
        InputError: There is none of such a name.
    """
    return outputs.select_outputs(names, bag_messages.factory)


def name_cameras(topics: Sequence[str]) -> dict[str, str]:
    """Return the name below which the results of each topic of images are published.

    A single camera has none, as in the node. Several have the namespace of their images, in
    letters that are legal in ROS 2.
    """
    if len(topics) == 1:
        return {topics[0]: NODE}
    legal = make_legal('/' + topic.lstrip('/') for topic in topics)
    full = {topic: legal['/' + topic.lstrip('/')] for topic in topics}
    short = {topic: _without_image(name) for topic, name in full.items()}
    is_unique = len(set(short.values())) == len(topics) and all(short.values())
    return {topic: NODE + (short if is_unique else full)[topic] for topic in topics}


def list_topics(topics: Sequence[str], outputs: Sequence[Output]) -> dict[str, str]:
    """Return the type of each topic of results.

    Args:
        topics: Topics of images.
        outputs: Outputs to write about each image.
    """
    return {
        MODEL_INFO_TOPIC: MODEL_INFO,
        **{
            f'{camera}/{output.topic}': output.type
            for camera in name_cameras(topics).values()
            for output in outputs
        },
    }


def list_views(topics: Sequence[str]) -> dict[str, str]:
    """Return the type of each topic that only tracks need.

    Args:
        topics: Topics of images.
    """
    return {f'{camera}/{VIEW}': IMAGE for camera in name_cameras(topics).values()}


def to_model_info(detector: Detector, time: int) -> Message:
    """Return which model makes the detections.

    Args:
        detector: Detector that makes them.
        time: When it began, ns since 1970.
    """
    return bag_messages.to_model_info(
        detector.config,
        bag_messages.to_header(time, ''),
        model_id=detector.model_id,
        backend=detector.backend,
        device=str(detector.device),
        precision=detector.precision,
    )


def to_result(frame: Frame, detections: Detections, sequence: int, detector: Detector) -> Result:
    """Return what is known about an image that a detector has just seen.

    Args:
        frame: Image of the bag.
        detections: Instances in it.
        sequence: Number of the image among those of its topic that were processed, from 1.
        detector: Detector that found them.
    """
    timing = detector.timing
    return Result(
        rgb=frame.rgb,
        header=bag_messages.to_header(frame.stamp, frame.header.frame_id),
        detections=detections,
        sequence=sequence,
        model_id=detector.model_id,
        palette=make_palette(len(detector.class_names)),
        prototypes=detector.prototypes[0],
        times=StageTimes.around(
            timing,
            age_at_receive=(frame.time - frame.stamp) / NS_PER_S if frame.stamp > 0 else np.nan,
            wait=0.0,
            decode=frame.seconds,
            encode=0.0,
            total=frame.seconds + timing.total,
        ),
        counters=Counters(received=sequence, processed=sequence),
    )


def _without_image(topic: str) -> str:
    parts = topic.split('/')
    if parts[-1] in TRANSPORTS:
        parts.pop()
    if parts[-1] in IMAGE_NAMES:
        parts.pop()
    return '/'.join(parts)
