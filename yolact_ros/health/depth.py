"""Whether images have depth, and why not."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from yolact_ros.health.diagnostics import Status
from yolact_ros.health.transport import Level

MILLI = 1000


@dataclass
class DepthTally:
    """What became of images for which depth was needed.

    Args:
        images: Number of these images.
        without: Number of them without depth that fits.
        complaint: Why the last one of these had none.
        late: Number of them whose depth came after all, when their instances had been found.
        delay: Seconds by which the last one of these was late.
        transform_complaint: Why the last one was not given in the target frame.
        calibration_complaint: Why the last one has no calibration beside it.
        instances: Number of instances in those with depth, where objects are asked for.
        objects: Number of them that have enough depth.
        depths: Distances of these, metres.
    """

    images: int = 0
    without: int = 0
    complaint: str = ''
    late: int = 0
    delay: float = 0.0
    transform_complaint: str = ''
    calibration_complaint: str = ''
    instances: int = 0
    objects: int = 0
    depths: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class DepthReport:
    """What is known about the depth of one camera.

    Args:
        topic: Topic that depth comes on.
        type: Type of its messages that the node expects.
        calibration_topic: Topic that the calibration comes on.
        is_needed: Whether somebody listens to an output that needs depth.
        publishers: Types that the publishers on the topic offer, one entry for each publisher.
        period: Seconds from depth to depth by the stamps; 0: unknown.
        is_rectified: Whether images are taken for rectified ones.
        rectified: Value of the parameter that decides it.
        tally: What became of the images since the last report.
    """

    topic: str
    type: str
    calibration_topic: str
    is_needed: bool
    publishers: tuple[str, ...]
    period: float
    is_rectified: bool
    rectified: str
    tally: DepthTally = field(default_factory=DepthTally)


def check_depth(seen: DepthReport) -> Status:
    """Say whether images have depth, and what to do if not."""
    tally = seen.tally
    values: dict[str, object] = {
        'topic': seen.topic,
        'calibration': seen.calibration_topic,
        'publishers': len(seen.publishers),
        'period (s)': f'{seen.period:.3f}' if seen.period else 'unknown',
        'images': tally.images,
        'without depth': tally.without,
        'rectified': f'{"yes" if seen.is_rectified else "no"} ({seen.rectified})',
        'instances': tally.instances,
        'objects': tally.objects,
    }
    if tally.depths:  # which show a wrong unit
        values['distance (m)'] = f'{median(tally.depths):.3f}'
    level, text = _judge(seen)
    return Status('depth', level, text, values)


def _judge(seen: DepthReport) -> tuple[Level, str]:
    """Return how bad it is, and a sentence about it."""
    tally = seen.tally
    if not seen.is_needed:
        if tally.calibration_complaint:
            return Level.WARN, tally.calibration_complaint
        return Level.OK, 'nobody listens to an output that needs depth'
    complaint = _complain(seen)
    return (
        (Level.WARN, complaint) if complaint else (Level.OK, f'{tally.images} images have depth')
    )


def _complain(seen: DepthReport) -> str:
    """Say what is wrong with depth that somebody needs, or return nothing."""
    tally = seen.tally
    if not seen.publishers:
        return f'no image has depth: {seen.topic} has no publisher'
    if seen.type not in seen.publishers:
        return (
            f'no image has depth: the publisher of {seen.topic} sends {seen.publishers[0]}, the '
            f'node expects {seen.type} (depth.transport)'
        )
    if tally.without:
        return f'{tally.without} of {tally.images} images have no depth: {_explain(seen)}'
    if tally.instances and not tally.objects:
        return (
            f'none of {tally.instances} instances has depth: too little of {seen.topic} is '
            'measured behind them'
        )
    return tally.transform_complaint


def _explain(seen: DepthReport) -> str:
    """Say why images had no depth, which is not what it seemed where that came too late."""
    tally = seen.tally
    if not tally.late:
        return tally.complaint
    return (
        f'that of {tally.late} came on {seen.topic} only after their instances were found, '
        f'{tally.delay * MILLI:.0f} ms late, and nothing waits for it'
    )
