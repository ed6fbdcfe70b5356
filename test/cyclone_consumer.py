"""A consumer that knows no ROS: Cyclone DDS, with types written down by hand.

``python cyclone_consumer.py DOMAIN OUTPUT QUALITY TYPE:TOPIC ...`` subscribes topics with QUALITY
``sensor_data`` as costmap layers of Nav2 do, or ``reliable``, says ``ready`` when all have a
publisher, and when its input ends writes what came to OUTPUT, an npz file: of each topic the
stamps (ns), the times of arrival (monotonic, s), heights, widths, steps, matrices and bytes.
"""

import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cyclone_types import Header, RegionOfInterest
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, float64, sequence, uint8, uint32
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

PATIENCE = 60.0  # seconds until there are publishers


@dataclass
class Image(IdlStruct, typename='sensor_msgs::msg::dds_::Image_'):
    header: Header
    height: uint32
    width: uint32
    encoding: str
    is_bigendian: uint8
    step: uint32
    data: sequence[uint8]


@dataclass
class PointField(IdlStruct, typename='sensor_msgs::msg::dds_::PointField_'):
    name: str
    offset: uint32
    datatype: uint8
    count: uint32


@dataclass
class PointCloud2(IdlStruct, typename='sensor_msgs::msg::dds_::PointCloud2_'):
    header: Header
    height: uint32
    width: uint32
    fields: sequence[PointField]
    is_bigendian: bool
    point_step: uint32
    row_step: uint32
    data: sequence[uint8]
    is_dense: bool


@dataclass
class CameraInfo(IdlStruct, typename='sensor_msgs::msg::dds_::CameraInfo_'):
    header: Header
    height: uint32
    width: uint32
    distortion_model: str
    d: sequence[float64]
    k: array[float64, 9]
    r: array[float64, 9]
    p: array[float64, 12]
    binning_x: uint32
    binning_y: uint32
    roi: RegionOfInterest


TYPES = {kind.__name__: kind for kind in (Image, PointCloud2, CameraInfo)}
QUALITIES = {
    'sensor_data': Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(50)),
    'reliable': Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(50)),
}


def main() -> None:
    domain, output, quality = int(sys.argv[1]), Path(sys.argv[2]), QUALITIES[sys.argv[3]]
    participant = DomainParticipant(domain)
    readers = {}
    for word in sys.argv[4:]:
        kind, _, name = word.partition(':')
        topic = Topic(participant, f'rt{name}', TYPES[kind])
        readers[name] = DataReader(participant, topic, qos=quality)
    wait_for_publishers(readers)
    print('ready', flush=True)  # noqa: T201
    heard = {name: [] for name in readers}
    while not select.select([sys.stdin], [], [], 0.0005)[0]:
        for name, reader in readers.items():
            for message in reader.take(50):
                heard[name].append((time.monotonic(), message))
    np.savez(output, has_rclpy='rclpy' in sys.modules, **describe(heard))


def wait_for_publishers(readers: dict[str, DataReader]) -> None:
    end = time.monotonic() + PATIENCE
    for name, reader in readers.items():
        while not reader.get_matched_publications():
            if time.monotonic() > end:
                sys.exit(f'{name} has no publisher after {PATIENCE:g} s')
            time.sleep(0.02)


def describe(heard: dict[str, list]) -> dict[str, np.ndarray]:
    arrays = {}
    for name, messages in heard.items():
        for field in ('height', 'width', 'step', 'row_step', 'k'):
            values = [getattr(one, field) for _, one in messages if hasattr(one, field)]
            arrays[f'{name}:{field}'] = np.array(values)
        stamps = [one.header.stamp.sec * 10**9 + one.header.stamp.nanosec for _, one in messages]
        arrays[f'{name}:stamp'] = np.array(stamps, dtype=np.int64)
        arrays[f'{name}:arrival'] = np.array([arrival for arrival, _ in messages])
        data = [np.array(one.data, dtype=np.uint8) for _, one in messages if hasattr(one, 'data')]
        arrays[f'{name}:data'] = np.array(data, dtype=np.uint8)
    return arrays


if __name__ == '__main__':
    main()
