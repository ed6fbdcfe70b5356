"""Types of messages, without a ROS installation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from yolact_core.errors import InputError
from yolact_ros.bag.io.definitions import DEFINITIONS

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
INSTANCES, MODEL_INFO = 'yolact/msg/InstanceArray', 'yolact/msg/ModelInfo'
TIMING = 'yolact/msg/StageTiming'


def require_rosbags() -> None:
    """Refuse to go on without rosbags.

    Raises:
        InputError: It is not installed.
    """
    try:
        import rosbags.rosbag2  # noqa: F401
    except ImportError:
        raise InputError(
            "rosbags must be installed to read bags: pip install 'yolact[bags]'"
        ) from None


@cache
def ros2_types() -> Typestore:
    """Return the types of ROS 2 and of this package."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, name))
    return store


@cache
def ros1_types() -> Typestore:
    """Return the types of ROS 1."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS1_NOETIC)
