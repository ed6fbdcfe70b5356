"""What happens beside the training steps: logging, evaluating, saving."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from yolact_core.checkpoints.checkpoint import Facts, save_checkpoint
from yolact_core.checkpoints.state_dicts import not_finite
from yolact_core.detector import Detector
from yolact_core.evaluation import EvaluationOptions, evaluate
from yolact_core.files import replace_when_done
from yolact_core.training.module import DivergedError, TrainingModule
from yolact_core.training.resuming import LAST, RESUME
from yolact_core.visualization import draw_overlay

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.dataset import CocoDataset
    from yolact_core.network import Yolact
    from yolact_core.training.options import ReportOptions

BEST = 'best.safetensors'
FIGURES = 'figures.json'
LOG_STEPS = 20  # between points of TensorBoard's curves
DRAWN_SCORE = 0.3

logger = logging.getLogger(__name__)


class ProgressLogger(Callback):
    """Logs now and then how the training goes, and draws the curves of TensorBoard.

    Args:
        module: Network in training.
        seconds: Seconds between lines.
        batch_size: Images per step, of all devices together.
    """

    def __init__(self, module: TrainingModule, seconds: float, batch_size: int) -> None:
        self._module = module
        self._seconds = seconds
        self._batch_size = batch_size
        self._last_time = 0.0
        self._last_step = 0

    def on_train_start(self, trainer: Trainer, *_: object, **__: object) -> None:
        """Start to count steps and seconds."""
        self._last_time, self._last_step = time.monotonic(), trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, *_: object, **__: object) -> None:
        """Draw the curves, and log a line if it is time."""
        step, module = trainer.global_step, self._module
        if step % LOG_STEPS == 0 and trainer.logger and module.losses:
            trainer.logger.log_metrics(_curves(trainer, module), step)
        now = time.monotonic()
        if now - self._last_time < self._seconds or not trainer.is_global_zero:
            return
        rate = (step - self._last_step) * self._batch_size / (now - self._last_time)
        self._last_time, self._last_step = now, step
        curves = _curves(trainer, module)
        terms = ', '.join(
            f'{name.removeprefix("loss/")} {value:.3g}' for name, value in curves.items()
        )
        logger.info(
            'step %d (%.0f %%), %.1f images/s, %s', step, 100 * module.progress, rate, terms
        )


class CheckpointSaver(Callback):
    """Evaluates now and then, and saves the last and the best weights and the whole state.

    Args:
        module: Network in training.
        folder: Folder that the files go to.
        options: How often to evaluate and save.
        facts: Facts that checkpoints carry, besides the figures.
        val: Data to evaluate on now and then, if any.
        held_out: Data to evaluate on at the end, if any.

    Attributes:
        figures: ``last`` and ``best``, each step and average precisions in percent, and ``test``.
    """

    state_key = 'Keep'  # of the figures in ``resume.ckpt``, where older files have them, too

    def __init__(
        self,
        module: TrainingModule,
        folder: Path,
        options: ReportOptions,
        facts: Facts,
        val: CocoDataset | None,
        held_out: CocoDataset | None,
    ) -> None:
        self.figures: dict[str, Any] = {}
        self._module = module
        self._folder = folder
        self._options = options
        self._facts = facts
        self._val = val
        self._held_out = held_out
        self._saved = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *_: object, **__: object) -> None:
        """Evaluate and save if it is time."""
        every = self._options.evaluate_every
        if every > 0 and trainer.global_step % every == 0 and not trainer.should_stop:
            self._evaluate(trainer)
        is_time = time.monotonic() - self._saved >= 60 * self._options.save_minutes
        if trainer.strategy.broadcast(is_time) and self._module.is_sound:
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, *_: object, **__: object) -> None:
        """Save, evaluate, and save again with the figures; of a diverged run nothing is saved."""
        self._module.refuse_divergence()
        self._save(trainer)
        self._evaluate(trainer)
        if trainer.is_global_zero and self._held_out is not None:
            self.figures['test'] = self._measure(self._held_out)
            logger.info('test: %s', _describe(self.figures['test']))
        self._save(trainer)

    def on_exception(self, trainer: Trainer, _module: object, exception: BaseException) -> None:
        """Save the current state if the run is stopped, unless it has diverged."""
        if isinstance(exception, DivergedError):
            return
        if trainer.world_size == 1 and trainer.global_step > 0:
            self._save(trainer)
            logger.info('stopped at step %d by %s', trainer.global_step, type(exception).__name__)

    def state_dict(self) -> dict[str, Any]:
        """Return the figures so far."""
        return dict(self.figures)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the figures."""
        self.figures.update(state_dict)

    def _evaluate(self, trainer: Trainer) -> None:
        """Evaluate, log the figures, and save the weights if their mask AP is the best so far."""
        if trainer.is_global_zero and self._val:
            step, found = trainer.global_step, self._measure(self._val)
            self.figures['last'] = {'step': step, **found}
            logger.info('evaluated at step %d: %s', step, _describe(found))
            if found['mask_ap'] > self.figures.get('best', {}).get('mask_ap', -1.0):
                self.figures['best'] = self.figures['last']
                self._save_weights(BEST, step)
            if trainer.logger:
                numbers = {f'AP/{key}': value for key, value in found.items()}
                trainer.logger.log_metrics(numbers, step)
            if isinstance(trainer.logger, TensorBoardLogger):
                self._draw(trainer.logger, self._val, step)
        trainer.strategy.barrier('evaluated')

    def _measure(self, dataset: CocoDataset) -> dict[str, float]:
        return measure(self._module.best_network, dataset, self._options.evaluate_images)

    def _draw(self, curves: TensorBoardLogger, dataset: CocoDataset, step: int) -> None:
        """Draw the detections over the first images."""
        with evaluation_mode(self._module.best_network) as network:
            detector = Detector(network, score_threshold=DRAWN_SCORE)
            for index in range(min(self._options.overlays, len(dataset))):
                image = dataset.read_image(index)
                picture = draw_overlay(image, detector(image))
                curves.experiment.add_image(f'val/{index}', picture, step, dataformats='HWC')

    def _save(self, trainer: Trainer) -> None:
        if infinite := not_finite(self._module):
            raise DivergedError(
                f'weights must stay finite, but are not in {infinite[0]} and {len(infinite) - 1} '
                f'more: lower optimizer.learning_rate'
            )
        self._saved = time.monotonic()
        trainer.save_checkpoint(self._folder / RESUME)
        if trainer.is_global_zero:
            self._save_weights(LAST, trainer.global_step)
            with replace_when_done(self._folder / FIGURES) as unfinished:
                unfinished.write_text(json.dumps(self.figures, indent=2))

    def _save_weights(self, name: str, step: int) -> None:
        """Write a checkpoint of the weights with the figures so far."""
        known = {**self._facts.training, 'steps': step, **self.figures}
        facts = dataclasses.replace(self._facts, training=known)
        save_checkpoint(self._module.best_network, self._folder / name, facts)


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


def _curves(trainer: Trainer, module: TrainingModule) -> dict[str, float]:
    terms: dict[str, Tensor] = module.losses._asdict() if module.losses else {}
    values = {f'loss/{name.rstrip("_")}': float(term) for name, term in terms.items()}
    return {
        'loss/total': sum(values.values()),
        **values,
        'learning_rate': trainer.optimizers[0].param_groups[0]['lr'],
        'skipped': float(module.skipped),
    }
