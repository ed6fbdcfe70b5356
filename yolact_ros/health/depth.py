"""Whether images have depth, and why not."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """

    images: int = 0
    without: int = 0
    complaint: str = ''
    late: int = 0
    delay: float = 0.0
    transform_complaint: str = ''
    calibration_complaint: str = ''


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
    values = {
        'topic': seen.topic,
        'calibration': seen.calibration_topic,
        'publishers': len(seen.publishers),
        'period (s)': f'{seen.period:.3f}' if seen.period else 'unknown',
        'images': tally.images,
        'without depth': tally.without,
        'rectified': f'{"yes" if seen.is_rectified else "no"} ({seen.rectified})',
    }
    level, text = Level.WARN, ''
    if tally.calibration_complaint and not seen.is_needed:
        text = tally.calibration_complaint
    elif not seen.is_needed:
        level, text = Level.OK, 'nobody listens to an output that needs depth'
    elif not seen.publishers:
        text = f'no image has depth: {seen.topic} has no publisher'
    elif seen.type not in seen.publishers:
        text = (
            f'no image has depth: the publisher of {seen.topic} sends {seen.publishers[0]}, the '
            f'node expects {seen.type} (depth.transport)'
        )
    elif tally.without:
        text = f'{tally.without} of {tally.images} images have no depth: {_explain(seen)}'
    elif tally.transform_complaint:
        text = tally.transform_complaint
    else:
        level, text = Level.OK, f'{tally.images} images have depth'
    return Status('depth', level, text, values)


def _explain(seen: DepthReport) -> str:
    """Say why images had no depth, which is not what it seemed where that came too late."""
    tally = seen.tally
    if not tally.late:
        return tally.complaint
    return (
        f'that of {tally.late} came on {seen.topic} only after their instances were found, '
        f'{tally.delay * MILLI:.0f} ms late, and nothing waits for it'
    )
