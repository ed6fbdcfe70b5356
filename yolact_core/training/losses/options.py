"""How the losses are weighted."""

from __future__ import annotations

from dataclasses import dataclass, field

from yolact_core.records import check_fields
from yolact_core.training.matching import MatchingOptions


@dataclass(frozen=True)
class LossOptions:
    """How the losses are weighted, and which priors and masks take part.

    Args:
        box: Weight of the box regression.
        class_: Weight of the classification.
        mask: Weight of the masks.
        semantic: Weight of the semantic segmentation that helps the backbone to learn.
        mask_iou: Weight of the mask rescoring (YOLACT++).
        negatives_per_positive: Background priors that take part for each positive one, where
            scores are a softmax.
        masks_to_train: Largest number of masks of an image that take part, drawn at random.
        matching: Which prior has to find which object.

    Raises:
        InputError: A value is outside its range.
    """

    box: float = 1.5
    class_: float = 1.0
    mask: float = 6.125
    semantic: float = 1.0
    mask_iou: float = 25.0
    negatives_per_positive: int = 3
    masks_to_train: int = 100
    matching: MatchingOptions = field(default_factory=MatchingOptions)

    def __post_init__(self) -> None:
        weights = dict.fromkeys(('box', 'class_', 'mask', 'semantic', 'mask_iou'), 0)
        counts = dict.fromkeys(('negatives_per_positive', 'masks_to_train'), 1)
        limits = {**weights, **counts}.items()
        check_fields(
            self,
            {f'{name} must be at least {low}': getattr(self, name) >= low for name, low in limits},
        )

    @property
    def is_of_masks_alone(self) -> bool:
        """Whether nothing depends on the classes of the objects, or trains their boxes."""
        return not (self.box or self.class_ or self.semantic or self.matching.by_score)
