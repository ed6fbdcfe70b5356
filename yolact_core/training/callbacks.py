"""What happens beside the training steps: logging, evaluating, saving."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from yolact_core.training.assessment import Assessment, draw_samples
from yolact_core.training.module import TrainingModule

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.training.options import ReportOptions

RESUME = 'resume.ckpt'
LAST = 'last.safetensors'
BEST = 'best.safetensors'
FIGURES = 'figures.json'
LOG_STEPS = 20  # between points of TensorBoard's curves

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
        assessment: Figures of the run, which go into the files.
    """

    def __init__(
        self, module: TrainingModule, folder: Path, options: ReportOptions, assessment: Assessment
    ) -> None:
        self._module = module
        self._folder = folder
        self._options = options
        self._assessment = assessment
        self._saved = time.monotonic()

    @property
    def state_key(self) -> str:
        """The key of the figures in ``resume.ckpt``, where older files have them, too."""
        return 'Keep'

    @property
    def figures(self) -> dict[str, Any]:
        """The average precisions so far, best and last."""
        return self._assessment.figures

    def on_train_batch_end(self, trainer: Trainer, *_: object, **__: object) -> None:
        """Evaluate and save if it is time."""
        every = self._options.evaluate_every
        if every > 0 and trainer.global_step % every == 0 and not trainer.should_stop:
            self._evaluate(trainer)
        is_time = time.monotonic() - self._saved >= 60 * self._options.save_minutes
        if trainer.strategy.broadcast(is_time):
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, *_: object, **__: object) -> None:
        """Save, evaluate, and save again with the figures."""
        self._save(trainer)
        self._evaluate(trainer)
        if trainer.is_global_zero:
            self._assessment.test(self._module)
        self._save(trainer)

    def on_exception(self, trainer: Trainer, _module: object, exception: BaseException) -> None:
        """Save the current state if the run is stopped."""
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
        if trainer.is_global_zero and self._assessment.val:
            is_best = self._assessment.measure(self._module, trainer.global_step)
            if is_best:
                self._assessment.save(self._module, self._folder / BEST, trainer.global_step)
            if trainer.logger:
                self._report(trainer)
        trainer.strategy.barrier('evaluated')

    def _report(self, trainer: Trainer) -> None:
        numbers = {
            f'AP/{key}': value for key, value in self.figures['last'].items() if key != 'step'
        }
        trainer.logger.log_metrics(numbers, trainer.global_step)  # type: ignore[union-attr]
        if self._assessment.val is None or not isinstance(trainer.logger, TensorBoardLogger):
            return
        writer = trainer.logger.experiment
        pictures = draw_samples(self._module, self._assessment.val, self._options.overlays)
        for index, picture in enumerate(pictures):
            writer.add_image(f'val/{index}', picture, trainer.global_step, dataformats='HWC')

    def _save(self, trainer: Trainer) -> None:
        self._saved = time.monotonic()
        trainer.save_checkpoint(self._folder / RESUME)
        if trainer.is_global_zero:
            self._assessment.save(self._module, self._folder / LAST, trainer.global_step)
            (self._folder / FIGURES).write_text(json.dumps(self.figures, indent=2))


def _curves(trainer: Trainer, module: TrainingModule) -> dict[str, float]:
    terms: dict[str, Tensor] = module.losses._asdict() if module.losses else {}
    values = {f'loss/{name.rstrip("_")}': float(term) for name, term in terms.items()}
    return {
        'loss/total': sum(values.values()),
        **values,
        'learning_rate': trainer.optimizers[0].param_groups[0]['lr'],
        'skipped': float(module.skipped),
    }
