"""What a recording says about the node: counts, rates, latencies, instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from std_msgs.msg import Header
from yolact.msg import StageTiming

from yolact_core.errors import InputError
from yolact_ros.demo.recorder import CAMERA_INFO, INSTANCES, MODEL_INFO, TIMING, TOPICS
from yolact_ros.health.statistics import StageTimes
from yolact_ros.health.statistics import Summary as Spread
from yolact_ros.node.mailbox import Counters
from yolact_ros.player.bags import BagRecording
from yolact_ros.player.recording import NS_PER_S, Entry

HEARD = 'camera_to_subscriber'  # stage from the image's stamp until somebody else has the result


@dataclass(frozen=True)
class Summary:
    """What the node did.

    Args:
        model: ``ModelInfo.model_id``.
        device: That it ran on.
        seconds: From the first result to the last.
        rate: Results per second.
        images: How many were published by the camera, lost on the way, and what became of the
            others, as in ``StageTiming``.
        milliseconds: Median, 95th percentile and longest duration of each stage.
        instances: How many were found of each class, in all images, most first.
    """

    model: str
    device: str
    seconds: float
    rate: float
    images: dict[str, int]
    milliseconds: dict[str, Spread]
    instances: dict[str, int]

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


class Results:
    """A recording of the recorder's, in memory.

    Args:
        path: The mcap file.

    Raises:
        InputError: It cannot be read, or the node has answered nothing.
    """

    def __init__(self, path: Path) -> None:
        recording = BagRecording(path, tuple(TOPICS), None, _refuse)
        with closing(recording):
            self._entries = list(recording.entries())
        if not all(self.of(topic) for topic in TOPICS):
            raise InputError(f'{path} must hold an answer of the node to at least one image')

    def of(self, topic: str) -> list[Entry]:
        """Return the messages of a topic."""
        return [entry for entry in self._entries if entry.topic == topic]

    def summarize(self) -> Summary:
        """Return what the node did."""
        timings: list[StageTiming] = [entry.message for entry in self.of(TIMING)]
        answers = self.of(INSTANCES)
        model = self.of(MODEL_INFO)[-1].message
        counters = {field.name: getattr(timings[-1], field.name) for field in fields(Counters)}
        published = len(self.of(CAMERA_INFO))
        seconds = (answers[-1].time - answers[0].time) / NS_PER_S
        names = Counter(one.class_name for entry in answers for one in entry.message.instances)
        return Summary(
            model=model.model_id,
            device=model.device,
            seconds=round(seconds, 3),
            rate=round((len(answers) - 1) / seconds, 3) if seconds else 0.0,
            images={
                'published': published,
                'lost': max(0, published - counters['received']),
                **counters,
            },
            milliseconds=_spreads(timings, [_age(e.message.header, e.time) for e in answers]),
            instances=dict(names.most_common()),
        )


def _refuse(sentence: str) -> None:
    raise InputError(sentence)


def _age(header: Header, now: int) -> float:
    """Return the seconds since a stamp."""
    stamp: int = header.stamp.sec * NS_PER_S + header.stamp.nanosec
    return (now - stamp) / NS_PER_S


def _spreads(timings: Sequence[StageTiming], ages: Sequence[float]) -> dict[str, Spread]:
    """Summarize durations in seconds as milliseconds, by stage."""
    rows = {
        field.name: [getattr(timing, field.name) for timing in timings]
        for field in fields(StageTimes)
    }
    return {stage: _spread(seconds) for stage, seconds in {**rows, HEARD: ages}.items()}


def _spread(seconds: Sequence[float]) -> Spread:
    milliseconds = 1e3 * np.asarray(seconds)
    p50, p95 = np.percentile(milliseconds, [50, 95]).round(2).tolist()
    return Spread(p50, p95, round(float(milliseconds.max()), 2))
