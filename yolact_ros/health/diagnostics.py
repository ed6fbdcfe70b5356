"""What the node says about itself on ``/diagnostics``."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.time import Time

from yolact_core.config import ModelConfig
from yolact_core.media.ranges import ImageRange
from yolact_ros.health.brightness import Brightness, complain
from yolact_ros.health.freshness import Counters, Freshness
from yolact_ros.health.latencies import Spread
from yolact_ros.health.transport import Level, Observation, examine

MILLI = 1000.0
MEGA = 2**20
MEMORY = Path('/proc/self/statm')  # pages: all, resident, ...


@dataclass(frozen=True)
class Status:
    """One line of a diagnostics viewer.

    Args:
        task: Part of the node that it is about.
        level: How serious it is.
        text: One sentence about it.
        values: Figures by name; the names contain the units.
    """

    task: str
    level: Level
    text: str
    values: Mapping[str, object] = field(default_factory=dict)


def check_state(label: str, *, is_enabled: bool) -> Status:
    """Say whether the node works, and if not, what it waits for."""
    texts = {
        'unconfigured': 'waits to be configured',
        'inactive': 'waits to be activated',
        'active': 'active' if is_enabled else 'paused by ~/enable',
    }
    is_working = label == 'active' and is_enabled
    return Status(
        'state',
        Level.OK if is_working else Level.WARN,
        texts.get(label, label),
        {'state': label, 'enabled': is_enabled},
    )


def check_peers(name: str, namesakes: int, *, has_time: bool) -> Status:
    """Say whether other nodes mislead this one, or those who hear it.

    Args:
        name: Full name of the node.
        namesakes: Number of other nodes with that name.
        has_time: Whether the clock of the node has begun.
    """
    complaints = []
    if namesakes:
        complaints.append(f'another node is called {name}, too: what it says mixes with this')
    if not has_time:
        complaints.append('use_sim_time is on, but no time comes on /clock')
    level = Level.WARN if complaints else Level.OK
    return Status('peers', level, '; '.join(complaints) or f'no other node is called {name}')


def check_parameters(complaints: Sequence[str]) -> Status:
    """Say which parameters were given in vain."""
    if not complaints:
        return Status('parameters', Level.OK, 'all that were given count')
    return Status('parameters', Level.WARN, '; '.join(complaints))


def check_model(config: ModelConfig, model_id: str, device: str) -> Status:
    """Say which model runs where."""
    values = {
        'model_id': model_id,
        'device': device,
        'input_size (px)': config.input_size,
        'classes': len(config.class_names),
    }
    return Status('model', Level.OK, f'{model_id} on {device}', values)


def check_memory(device: str) -> Status:
    """Say how much memory the process and its share of the GPU take."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGA
    values: dict[str, object] = {'peak (MB)': f'{peak:.0f}'}
    if MEMORY.exists():
        resident = int(MEMORY.read_text().split()[1]) * resource.getpagesize() / MEGA
        values['resident (MB)'] = f'{resident:.0f}'
    if device.startswith('cuda'):
        import torch

        values['gpu (MB)'] = f'{torch.cuda.memory_allocated(device) / MEGA:.0f}'
        values['gpu peak (MB)'] = f'{torch.cuda.max_memory_allocated(device) / MEGA:.0f}'
    text = ', '.join(f'{name.split(" (")[0]} {value} MB' for name, value in values.items())
    return Status('memory', Level.OK, text, values)


def check_input(seen: Observation) -> Status:
    """Say whether images arrive, and what to do if not."""
    diagnosis = examine(seen)
    values = {
        'topic': seen.topic,
        'type': seen.type,
        'publishers': len(seen.publishers),
        'rate (Hz)': f'{seen.rate:.2f}',
        'received in the last 10 s': seen.received,
        'lost on the way in the last 10 s': seen.lost,
        'since the last image (s)': f'{seen.silence:.2f}',
        'incompatible QoS policy': seen.incompatible_policy or 'none',
    }
    return Status('input', diagnosis.level, diagnosis.text, values)


def check_freshness(now: Freshness, before: Freshness, max_age: float) -> Status:
    """Say what became of the images since the last report.

    Args:
        now: What is known now.
        before: What was known at the last report.
        max_age: Age from which images are dropped, seconds.
    """
    new = _count_new(now.counters, before.counters)
    skipped = new['unreadable'] + new['failed']
    future = now.stamps.future - before.stamps.future
    values = {
        **asdict(now.counters),
        'stamps of zero': now.stamps.zero,
        'stamps from the future': now.stamps.future,
        'stamps that went back': now.stamps.backwards,
        'last error': now.last_error or 'none',
    }
    level, text = Level.OK, f'{new["processed"]} processed, {new["dropped_busy"]} dropped busy'
    if skipped > 0:
        level, text = Level.ERROR, f'{skipped} skipped: {now.last_error}'
    elif new['dropped_stale'] > 0:
        level, text = (
            Level.WARN,
            f'{new["dropped_stale"]} were older than max_age = {max_age:g} s by their stamps; '
            'images of a recorded bag need use_sim_time and a published /clock',
        )
    elif future > 0:
        level, text = (
            Level.WARN,
            f'{future} had stamps ahead of the clock of this node: synchronise the clocks of the '
            'machines; with use_sim_time, /clock must be published',
        )
    return Status('freshness', level, text, values)


def _count_new(now: Counters, before: Counters) -> dict[str, int]:
    """Return what was counted between two reports; counters begin anew with the node's work."""
    begun_anew = now.received < before.received
    return {
        name: value - (0 if begun_anew else getattr(before, name))
        for name, value in asdict(now).items()
    }


def check_brightness(seen: Brightness, image_range: ImageRange) -> Status:
    """Say whether 16-bit images show something in the range that is chosen."""
    complaint = complain(seen, image_range)
    values = {
        'encoding': seen.encoding,
        'largest value': seen.peak,
        'image_range': image_range,
    }
    level = Level.WARN if complaint else Level.OK
    return Status('brightness', level, complaint or 'fits the range', values)


def check_latency(spreads: Mapping[str, Spread]) -> Status:
    """Say where the time goes."""
    values = {
        f'{stage} {name} (ms)': f'{value * MILLI:.2f}'
        for stage, spread in spreads.items()
        for name, value in asdict(spread).items()
    }
    if 'total' not in spreads:
        return Status('latency', Level.OK, 'no image was processed yet')
    total = spreads['total']
    text = f'{total.p50 * MILLI:.1f} ms, 95 % below {total.p95 * MILLI:.1f} ms'
    return Status('latency', Level.OK, text, values)


def check_outputs(incompatible: Mapping[str, str]) -> Status:
    """Say which subscribers cannot hear the node."""
    if not incompatible:
        return Status('outputs', Level.OK, 'every subscriber is compatible')
    topic, policy = next(iter(incompatible.items()))
    return Status(
        'outputs',
        Level.WARN,
        f'a subscriber of ~/{topic} asks for another QoS, policy {policy}, and gets nothing',
        incompatible,
    )


def to_message(
    statuses: Iterable[tuple[str, Status]], node: str, hardware: str, stamp: Time
) -> DiagnosticArray:
    """Return the message for the statuses of all cameras.

    Args:
        statuses: Statuses with the names of their cameras, empty for the node itself.
        node: Name of the node.
        hardware: Device that runs the model.
        stamp: Current time.
    """
    message = DiagnosticArray(
        status=[
            DiagnosticStatus(
                level=bytes([status.level]),
                name=f'{node}: {" ".join(filter(None, [camera, status.task]))}',
                message=status.text,
                hardware_id=hardware,
                values=[
                    KeyValue(key=key, value=str(value)) for key, value in status.values.items()
                ],
            )
            for camera, status in statuses
        ]
    )
    message.header.stamp = stamp.to_msg()
    return message
