"""Draw models from a pack that ``assets.py`` built."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from models import Model, ModelInfo, load_index, load_model

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator

CLUTTER_WEIGHT = 1.5


class ModelPack:
    """The models of one split, and the clutter that all splits share."""

    def __init__(self, folder: Path, split: str) -> None:
        """Read the index.

        Args:
            folder: Output folder of ``assets.py``.
            split: ``train``, ``val`` or ``test``.
        """
        self.folder = folder
        self.weights, infos = load_index(folder)
        self.by_place: dict[str, dict[str | None, list[ModelInfo]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for info in infos:
            if info.split in (split, 'any'):
                for place in info.places:
                    self.by_place[place][info.label].append(info)

    @property
    def class_names(self) -> list[str]:
        """Names of the classes in class order."""
        return list(self.weights)

    def draw(self, place: str, random: Generator, label: str | None = None) -> ModelInfo | None:
        """Return a random model for a place, of one class or of any by the classes' weights."""
        by_label = self.by_place[place]
        if label is None:
            labels = list(by_label)
            if not labels:
                return None
            weights = np.array([self.weights.get(name or '', CLUTTER_WEIGHT) for name in labels])
            label = labels[int(random.choice(len(labels), p=weights / weights.sum()))]
        infos = by_label[label]
        return infos[int(random.integers(len(infos)))] if infos else None

    def load(self, info: ModelInfo) -> Model:
        """Return the geometry of a model; the most recent ones stay in memory."""
        return _load(self.folder / 'models' / f'{info.key}.npz')


@lru_cache(maxsize=200)
def _load(path: Path) -> Model:
    """Return the model of a file, from memory where possible."""
    return load_model(path)
