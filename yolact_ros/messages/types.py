"""Types of messages and their definitions, also without a ROS installation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO, LABEL_INFO = 'sensor_msgs/msg/CameraInfo', 'vision_msgs/msg/LabelInfo'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)
POSE = 'geometry_msgs/msg/PoseStamped'
INSTANCES, MODEL_INFO = 'yolact/msg/InstanceArray', 'yolact/msg/ModelInfo'
STAGE_TIMING, OBJECTS = 'yolact/msg/StageTiming', 'yolact/msg/ObjectArray'
MARKERS, POINTS = 'visualization_msgs/msg/MarkerArray', 'sensor_msgs/msg/PointCloud2'

# The interfaces of this package in text, for machines where they are not built. A test holds them
# against the files in ``msg/``.
DEFINITIONS = {
    'yolact/msg/Instance': """
uint16 label
uint16 class_id
string class_name
float32 score
string id
uint32 track_age
float32[4] box
yolact/InstanceMask mask
float32[] coefficients
""",
    'yolact/msg/InstanceArray': """
std_msgs/Header header
uint32 image_height
uint32 image_width
string model_id
uint64 sequence
yolact/Instance[] instances
""",
    'yolact/msg/InstanceMask': """
uint8 NONE=0
uint8 RLE=1
uint8 BITMAP=2
uint8 MONO8=3
uint8 encoding
sensor_msgs/RegionOfInterest roi
uint32 area
uint32[] rle
uint8[] data
""",
    'yolact/msg/ModelInfo': """
std_msgs/Header header
string model_id
string config
string backend
string device
string precision
uint32 input_size
string[] class_names
uint8[] class_colors
""",
    'yolact/msg/Object': """
uint16 label
uint16 class_id
string class_name
float32 score
string id
float32 valid_share
float32 depth
geometry_msgs/Point centroid
geometry_msgs/Point nearest
geometry_msgs/Pose pose
geometry_msgs/Vector3 size
""",
    'yolact/msg/ObjectArray': """
std_msgs/Header header
string model_id
uint64 sequence
bool is_upright
yolact/Object[] objects
""",
    'yolact/msg/StageTiming': """
std_msgs/Header header
float32 age_at_receive
float32 wait
float32 decode
float32 preprocess
float32 inference
float32 postprocess
float32 encode
float32 total
uint64 received
uint64 processed
uint64 dropped_busy
uint64 dropped_stale
uint64 unreadable
uint64 failed
""",
}


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
