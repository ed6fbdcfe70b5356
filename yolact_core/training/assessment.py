"""How well a network in training does, and checkpoints that contain these figures."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolact_core.checkpoints.checkpoint import Facts, save_checkpoint
from yolact_core.detector import Detector
from yolact_core.evaluation import EvaluationOptions, evaluate
from yolact_core.visualization import draw_overlay

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from yolact_core.dataset import CocoDataset
    from yolact_core.network import Yolact
    from yolact_core.training.module import TrainingModule

DRAWN_SCORE = 0.3

logger = logging.getLogger(__name__)


@dataclass
class Assessment:
    """The figures of a run so far.

    Args:
        facts: Facts that checkpoints carry.
        val: Data to evaluate on now and then, if any.
        held_out: Data to evaluate on at the end, if any.
        limit: Largest number of images to evaluate on; 0 means all.
        figures: ``last`` and ``best``, each step and average precisions in percent, and ``test``.
    """

    facts: Facts
    val: CocoDataset | None
    held_out: CocoDataset | None
    limit: int
    figures: dict[str, Any] = field(default_factory=dict)

    def measure(self, module: TrainingModule, step: int) -> bool:
        """Evaluate, log the figures, and return whether the mask AP is the best so far."""
        if self.val is None:
            return False
        found = measure(module.best_network, self.val, self.limit)
        self.figures['last'] = {'step': step, **found}
        best: float = self.figures.get('best', {}).get('mask_ap', -1.0)
        is_best = found['mask_ap'] > best
        if is_best:
            self.figures['best'] = self.figures['last']
        logger.info('evaluated at step %d: %s', step, _describe(found))
        return is_best

    def test(self, module: TrainingModule) -> None:
        """Evaluate on the held-out data, if there are any."""
        if self.held_out is not None:
            self.figures['test'] = measure(module.best_network, self.held_out, self.limit)
            logger.info('test: %s', _describe(self.figures['test']))

    def save(self, module: TrainingModule, path: Path, step: int) -> None:
        """Write a checkpoint of the weights with the figures so far."""
        known = {**self.facts.training, 'steps': step, **self.figures}
        facts = dataclasses.replace(self.facts, training=known)
        save_checkpoint(module.best_network, path, facts)


def measure(network: Yolact, dataset: CocoDataset, limit: int = 0) -> dict[str, float]:
    """Return average precisions in percent, and the number of images.

    Args:
        network: Network to evaluate; it stays in its mode.
        dataset: Data set without transform.
        limit: Largest number of images; 0 means all.
    """
    with evaluation_mode(network):
        found = evaluate(
            Detector(network, 'float32'), dataset, EvaluationOptions(limit=limit or None)
        )
    return {
        'mask_ap': found.mask.ap or 0.0,  # None where there is nothing to find
        'mask_ap50': found.mask.ap50 or 0.0,
        'box_ap': found.box.ap or 0.0,
        'box_ap50': found.box.ap50 or 0.0,
        'images': found.images,
    }


def draw_samples(
    module: TrainingModule, dataset: CocoDataset, count: int
) -> list[npt.NDArray[np.uint8]]:
    """Return the first images with their detections drawn over them, RGB."""
    with evaluation_mode(module.best_network) as network:
        detector = Detector(network, score_threshold=DRAWN_SCORE)
        images = [dataset.read_image(index) for index in range(min(count, len(dataset)))]
        return [draw_overlay(image, detector(image)) for image in images]


@contextmanager
def evaluation_mode(network: Yolact) -> Iterator[Yolact]:
    """Put a network into evaluation mode for a while; frozen parts stay frozen."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield network
    finally:
        for module in training:
            module.training = True


def _describe(figures: dict[str, float]) -> str:
    return ', '.join(f'{key} {value:.4g}' for key, value in figures.items())
