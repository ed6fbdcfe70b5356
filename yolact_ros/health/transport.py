"""Why images do not come, or not all of them, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from xml.etree import ElementTree

from yolact_ros.health.hints import (
    MOST_NAMED,
    TRANSPORTS,
    how_to_subscribe,
    sort_by_likeness,
)

TOLERATED_LOSS = 0.02  # share of the images that were published
FAST_DDS = 'rmw_fastrtps'
PACKAGE = 'rmw_fastrtps_shared_cpp'
FIRST_WITH_3 = 9  # major version of the package that came with Fast DDS 3, in Kilted
OLD_VARIABLE, VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
PROFILE = '$(ros2 pkg prefix --share yolact)/config/fastdds.xml'


class Level(IntEnum):
    """How serious something is, as in ``diagnostic_msgs/DiagnosticStatus``."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Diagnosis:
    """One sentence about the transport of images, and how serious it is."""

    level: Level
    text: str


@dataclass(frozen=True)
class Observation:
    """What is known about the images of one camera.

    Args:
        topic: Topic that the node subscribes to.
        type: Type of its messages, such as ``sensor_msgs/msg/Image``.
        publishers: Types that the publishers on the topic offer, one entry for each publisher.
        name: Name that the node gives to its topic, such as ``front/image``.
        remapped_to: Topic to which that name is remapped; empty: to none.
        image_topics: Topics that others publish, by type: raw and compressed images.
        incompatible_policy: QoS policy in which a publisher and the node cannot agree; or empty.
        received: Number of images that arrived in the last seconds.
        lost: Number of images of the last seconds that were published and did not arrive.
        rate: Images per second.
        silence: Seconds since the last image.
        timeout: Seconds of silence that are tolerated.
        has_any: Whether an image ever arrived.
        middleware: Name of the middleware, such as ``rmw_fastrtps_cpp``.
        profile_variable: Environment variable that names the profiles of Fast DDS.
        environment: Environment variables of the node.
    """

    topic: str
    type: str
    publishers: tuple[str, ...] = ()
    name: str = 'image'
    remapped_to: str = ''
    image_topics: Mapping[str, Sequence[str]] = field(default_factory=dict)
    incompatible_policy: str = ''
    received: int = 0
    lost: int = 0
    rate: float = 0.0
    silence: float = 0.0
    timeout: float = 2.0
    has_any: bool = False
    middleware: str = FAST_DDS
    profile_variable: str = VARIABLE
    environment: Mapping[str, str] = field(default_factory=dict)


def find_profile_variable() -> str:
    """Return the environment variable that names the file of profiles of Fast DDS.

    Fast DDS 3 renamed it. The variable ROS_DISTRO does not tell which one it is: outside of a
    distribution it is not set.
    """
    from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

    try:
        share = get_package_share_directory(PACKAGE)
    except PackageNotFoundError:
        return VARIABLE
    version = ElementTree.parse(Path(share) / 'package.xml').findtext('version', '')
    return VARIABLE if int(version.partition('.')[0]) >= FIRST_WITH_3 else OLD_VARIABLE


def examine(seen: Observation) -> Diagnosis:
    """Return the first diagnosis that explains what is wrong, or that nothing is."""
    if seen.silence > seen.timeout:
        return _explain_silence(seen)
    if seen.received == 0:
        return Diagnosis(Level.OK, f'waiting for the first image on {seen.topic}')
    if seen.lost > TOLERATED_LOSS * (seen.lost + seen.received):
        return Diagnosis(
            Level.WARN,
            f'{seen.lost} of {seen.lost + seen.received} images that were published on '
            f'{seen.topic} did not arrive: {remedy(seen)}',
        )
    return Diagnosis(Level.OK, f'{seen.rate:.1f} images a second on {seen.topic}')


def remedy(seen: Observation) -> str:
    """Return what to do when images get lost on the way."""
    if not seen.middleware.startswith(FAST_DDS):
        return (
            f'{seen.middleware} drops large best-effort messages when its buffers are small: '
            'raise net.core.rmem_max, or send smaller or compressed images'
        )
    variable = seen.profile_variable
    if not seen.environment.get(variable):
        return (
            'the shared memory of Fast DDS is too small for them by default; set '
            f'{variable}={PROFILE} for the camera and for this node'
        )
    return (
        f'set {variable} for the camera too, as it is for this node; over a network send '
        'compressed images'
    )


def _explain_silence(seen: Observation) -> Diagnosis:
    """Say why no image came for longer than is tolerated."""
    silence = f'no image on {seen.topic} for {seen.silence:.0f} s'
    if not seen.publishers:
        return Diagnosis(Level.ERROR, f'{silence}: it has no publisher{_hint_topics(seen)}')
    if seen.type not in seen.publishers:
        sent = seen.publishers[0]
        hint = f'; {_how_to_subscribe(seen, seen.topic, sent)}' if sent in TRANSPORTS else ''
        return Diagnosis(
            Level.ERROR,
            f'{silence}: its publisher sends {sent}, the node expects {seen.type}{hint}',
        )
    if seen.incompatible_policy:
        return Diagnosis(
            Level.ERROR,
            f'{silence}: the publisher and this node have incompatible QoS, policy '
            f'{seen.incompatible_policy}; start it with --ros-args -p qos_overrides.{seen.topic}.'
            f'subscription.{seen.incompatible_policy.lower()}:={_least(seen.incompatible_policy)}',
        )
    if seen.has_any:
        return Diagnosis(Level.WARN, f'{silence}: its publisher is there but has stopped sending')
    return Diagnosis(
        Level.ERROR,
        f'{silence} although it has a publisher: either that sends nothing, or all is lost on '
        f'the way: {remedy(seen)}',
    )


def _hint_topics(seen: Observation) -> str:
    """Name the topics that could be meant, of the other transport if there are none of this."""
    for kind in sorted(TRANSPORTS, key=lambda kind: kind != seen.type):
        if topics := sort_by_likeness(seen.image_topics.get(kind, ()), seen.topic):
            some = ', '.join(topics[:MOST_NAMED])
            return f'; images come on {some}: {_how_to_subscribe(seen, topics[0], kind)}'
    return ''


def _how_to_subscribe(seen: Observation, topic: str, kind: str) -> str:
    return how_to_subscribe(topic, kind, seen.name, seen.remapped_to, seen.type)


def _least(policy: str) -> str:
    """Return the value of a policy that every publisher offers."""
    return {'RELIABILITY': 'best_effort', 'DURABILITY': 'volatile'}.get(policy, 'VALUE')
