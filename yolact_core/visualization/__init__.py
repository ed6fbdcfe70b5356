"""Pictures of detections, for people."""

from yolact_core.visualization.overlay import (
    OverlayStyle,
    draw_overlay,
    label_texts,
    pick_colors,
)
from yolact_core.visualization.prototypes import (
    draw_combinations,
    draw_prototypes,
    stack_pictures,
)

__all__ = [
    'OverlayStyle',
    'draw_combinations',
    'draw_overlay',
    'draw_prototypes',
    'label_texts',
    'pick_colors',
    'stack_pictures',
]
