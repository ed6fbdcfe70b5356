"""A client of the node that knows no ROS: Cyclone DDS, with types written down by hand.

``python cyclone_client.py DOMAIN TOPIC OUTPUT`` waits for one ``yolact/msg/InstanceArray`` with
instances, decodes its masks and writes what it read to OUTPUT, an npz file.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cyclone_types import Header, RegionOfInterest
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.idl import IdlStruct
from cyclonedds.idl.types import array, float32, sequence, uint8, uint16, uint32, uint64
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

from yolact_ros.masks import to_full_size

PATIENCE = 60.0  # seconds


@dataclass
class InstanceMask(IdlStruct, typename='yolact::msg::dds_::InstanceMask_'):
    encoding: uint8
    roi: RegionOfInterest
    area: uint32
    rle: sequence[uint32]
    data: sequence[uint8]


@dataclass
class Instance(IdlStruct, typename='yolact::msg::dds_::Instance_'):
    label: uint16
    class_id: uint16
    class_name: str
    score: float32
    id: str
    track_age: uint32
    box: array[float32, 4]
    mask: InstanceMask
    coefficients: sequence[float32]


@dataclass
class InstanceArray(IdlStruct, typename='yolact::msg::dds_::InstanceArray_'):
    header: Header
    image_height: uint32
    image_width: uint32
    model_id: str
    sequence: uint64
    instances: sequence[Instance]


def main() -> None:
    domain, topic, output = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    participant = DomainParticipant(domain)
    reliable = Qos(Policy.Reliability.Reliable(duration(seconds=1)), Policy.History.KeepLast(1))
    reader = DataReader(participant, Topic(participant, f'rt{topic}', InstanceArray), qos=reliable)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for found in reader.take(1):
            if isinstance(found, InstanceArray) and found.instances:
                write(found, output)
                return
        time.sleep(0.02)
    sys.exit(f'no instances came on {topic} within {PATIENCE:g} s')


def write(found: InstanceArray, output: Path) -> None:
    size = found.image_height, found.image_width
    np.savez(
        output,
        masks=np.stack([to_full_size(one.mask, size) for one in found.instances]),
        boxes=np.array([one.box for one in found.instances]),
        names=np.array([one.class_name for one in found.instances]),
        sequence=found.sequence,
        stamp=(found.header.stamp.sec, found.header.stamp.nanosec),
        has_rclpy='rclpy' in sys.modules,
    )


if __name__ == '__main__':
    main()
