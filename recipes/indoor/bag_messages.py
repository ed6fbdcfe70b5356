"""The messages that a rendered camera path becomes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import mujoco
import numpy as np
from pycocotools import mask as coco_mask

from yolact_core.detections import Detections
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_ros.bag.replay.messages import make_header, make_message, to_instance_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yolact_ros.bag.io.bag import Message

ROOM, CAMERA = 'room', 'camera_optical_frame'
JPEG_QUALITY = 80  # that of image_transport
NO_INVERSE_DEPTH = struct.pack('<iff', 0, 0.0, 0.0)  # header of the depth format
MODEL_ID = 'truth'


@dataclass(frozen=True)
class RenderedFrame:
    """One image of a camera path.

    Attributes:
        name: Of its files.
        size: Height and width in pixels.
        annotations: Of the objects in it, COCO's with an ``instance`` number.
        camera_to_room: Transform from camera axes (right, down, forward), shape (4, 4).
    """

    name: str
    size: tuple[int, int]
    annotations: list[dict[str, Any]]
    camera_to_room: NDArray[np.float64]


def pose_message(stamp: int, camera_to_room: NDArray[np.float64]) -> Message:
    """Make the transform from the room to the camera."""
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(camera_to_room[:3, :3]).ravel())
    w, *axis = quaternion.tolist()
    transform = make_message(
        'geometry_msgs/TransformStamped',
        header=make_header(stamp, ROOM),
        child_frame_id=CAMERA,
        transform=make_message(
            'geometry_msgs/Transform',
            translation=_vector('Vector3', camera_to_room[:3, 3].tolist()),
            rotation=_vector('Quaternion', axis, w=w),
        ),
    )
    return make_message('tf2_msgs/TFMessage', transforms=[transform])


def _vector(name: str, values: list[float], **more: float) -> Message:
    fields = dict(zip('xyz', values, strict=True))
    return make_message(f'geometry_msgs/{name}', **fields, **more)


def info_message(
    header: object, size: tuple[int, int], intrinsics: NDArray[np.float64]
) -> Message:
    """Make the camera info of a lens without distortion.

    Args:
        header: Of the message.
        size: Height and width in pixels.
        intrinsics: For pixels counted from their corners; messages count from their middles.
    """
    intrinsics = intrinsics - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    region = make_message(
        'sensor_msgs/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return make_message(
        'sensor_msgs/CameraInfo',
        header=header, height=size[0], width=size[1], distortion_model='plumb_bob', d=np.zeros(5),
        k=intrinsics.ravel(), r=np.eye(3).ravel(),
        p=np.hstack([intrinsics, np.zeros((3, 1))]).ravel(), binning_x=0, binning_y=0, roi=region,
    )  # fmt: skip


def image_message(header: object, bgr: NDArray[np.uint8]) -> Message:
    """Make a JPEG image."""
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return make_message(
        'sensor_msgs/CompressedImage',
        header=header, format='bgr8; jpeg compressed bgr8', data=data.ravel(),
    )  # fmt: skip


def depth_message(header: object, millimetres: NDArray[np.uint16]) -> Message:
    """Make a depth image without loss; 0 is out of range."""
    _, data = cv2.imencode('.png', millimetres, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return make_message(
        'sensor_msgs/CompressedImage',
        header=header, format='16UC1; compressedDepth png',
        data=np.frombuffer(NO_INVERSE_DEPTH + data.tobytes(), np.uint8),
    )  # fmt: skip


def truth_message(
    header: object,
    frame: RenderedFrame,
    class_names: tuple[str, ...],
    index: int,
    first_seen: dict[int, int],
) -> Message:
    """Make the truth of one image: what must be found first, then what need not be.

    Args:
        header: The image's.
        frame: The image.
        class_names: Of all classes.
        index: Of the image in the path.
        first_seen: Index of the first image of each ``instance``.
    """
    annotations = sorted(frame.annotations, key=lambda annotation: annotation['iscrowd'])
    message = to_instance_array(
        truth_detections(annotations, frame.size, class_names), header,
        model_id=MODEL_ID, sequence=index + 1,
    )  # fmt: skip
    for instance, annotation in zip(message.instances, annotations, strict=True):
        instance.id = str(annotation['instance'])
        instance.track_age = index - first_seen[annotation['instance']] + 1
    return message


def truth_detections(
    annotations: list[dict[str, Any]], size: tuple[int, int], class_names: tuple[str, ...]
) -> Detections:
    """Return annotations as a perfect detector would find them, with score 0 for crowds."""
    masks = [coco_mask.decode(one['segmentation']).astype(bool) for one in annotations]
    boxes = np.array([one['bbox'] for one in annotations], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array([1 - one['iscrowd'] for one in annotations], np.float32)
    return Detections(
        boxes=boxes, scores=scores, mask_scores=scores,
        class_ids=np.array([one['category_id'] - 1 for one in annotations], np.int64),
        coefficients=np.zeros((len(masks), 0), np.float32),
        masks=InstanceMasks.from_dense(masks, size),
        all_class_names=class_names,
    )  # fmt: skip
