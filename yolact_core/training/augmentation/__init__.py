"""What happens to images between file and network."""

from yolact_core.training.augmentation.options import AugmentationOptions
from yolact_core.training.augmentation.recipes import (
    RECIPES,
    RecipeName,
    evaluation_transform,
    training_recipe,
)

__all__ = [
    'RECIPES',
    'AugmentationOptions',
    'RecipeName',
    'evaluation_transform',
    'training_recipe',
]
