"""What a difference between two contenders means, in a word or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolact_ros.bag.evaluate.bootstrap import Difference

BETTER, WORSE = 'better', 'worse'
LOWER_IS_BETTER = frozenset(('flicker_per_minute', 'class_switches_per_minute', 'box_jitter_px'))
NEITHER_IS_BETTER = frozenset(('instances_per_image',))


def judge(name: str, one: Difference) -> str:
    """Say what a difference to the first contender means."""
    if one.value is None:
        return '-'
    if not one.is_sure:
        return 'not sure'
    if name in NEITHER_IS_BETTER:
        return 'differs'
    return BETTER if (one.value < 0) == (name in LOWER_IS_BETTER) else WORSE
