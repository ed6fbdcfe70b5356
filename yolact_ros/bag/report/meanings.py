"""What each figure means, in a sentence, and how it is written."""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """How a figure is shown.

    Attributes:
        title: In a few words.
        unit: After the number; empty for a fraction of 1.
        digits: Behind the point.
        is_best: Which end is better: ``high``, ``low``, or empty.
        text: What it means.
    """

    title: str
    unit: str
    digits: int
    is_best: str
    text: str


MEANINGS = {
    'mask_ap': Meaning(
        'mask AP',
        '',
        3,
        'high',
        'How well masks are found and drawn, over all scores: the mean over classes and over IoU '
        'thresholds from 0.50 to 0.95, by the rules of COCO.',
    ),
    'mask_ap50': Meaning(
        'mask AP50', '', 3, 'high', 'The same where half an overlap is enough: what is found.'
    ),
    'mask_ap75': Meaning(
        'mask AP75', '', 3, 'high', 'The same at an overlap of 0.75: how well it is drawn.'
    ),
    'box_ap': Meaning('box AP', '', 3, 'high', 'As mask AP, of boxes.'),
    'box_ap50': Meaning('box AP50', '', 3, 'high', 'As mask AP50, of boxes.'),
    'quality': Meaning(
        'panoptic quality',
        '',
        3,
        'high',
        'How much of an image is right at the chosen score threshold: IoU of what is found, less '
        'for what is missed or invented.',
    ),
    'stability': Meaning(
        'stability',
        '',
        3,
        'high',
        'IoU of a mask with the same one in the image before, once motion is made up for; what '
        'is lost counts 0. 1 is perfectly steady.',
    ),
    'matched_iou': Meaning(
        'IoU of those found again', '', 3, 'high', 'Stability without what is lost.'
    ),
    'flicker_per_minute': Meaning(
        'flicker', 'per minute', 1, 'low', 'Instances lost although they are still in sight.'
    ),
    'class_switches_per_minute': Meaning(
        'class switches', 'per minute', 1, 'low', 'Instances that changed their class.'
    ),
    'box_jitter_px': Meaning(
        'box jitter', 'px', 2, 'low', 'How far the sides of boxes jump, beyond motion.'
    ),
    'track_interruptions_per_minute': Meaning(
        'tracks interrupted',
        'per minute',
        1,
        'low',
        'Objects of the truth that were found, and are not in the next image.',
    ),
    'instances_per_image': Meaning(
        'instances per image', '', 2, '', 'How many are found above the score threshold.'
    ),
    'latency_ms': Meaning(
        'latency, median', 'ms', 1, 'low', 'From message to detections, on this machine.'
    ),
    'latency_p95_ms': Meaning(
        'latency, 95 %', 'ms', 1, 'low', 'So long at most in 95 of 100 images.'
    ),
}


def write_figure(name: str, value: float | None, *, is_signed: bool = False) -> str:
    """Return a figure without its unit; a dash where it cannot be told."""
    if value is None:
        return '-'
    return f'{value:{"+" if is_signed else ""}.{MEANINGS[name].digits}f}'
