"""The training step, as Lightning's Trainer calls it."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from yolact_core.checkpoints.recognition import STATE
from yolact_core.errors import InputError
from yolact_core.network import Prediction, Yolact
from yolact_core.network.yolact import Features
from yolact_core.training.centre_matching import match_centres
from yolact_core.training.losses import Losses, compute_losses
from yolact_core.training.matching import Matches, match_priors
from yolact_core.training.optimization import (
    BatchStatistics,
    Schedule,
    make_optimizer,
    move_average,
)

if TYPE_CHECKING:
    from yolact_core.dataset import Targets
    from yolact_core.training.data import Batch
    from yolact_core.training.options import RunConfig

LATEST = 40  # steps of which at most half may be skipped, or the training has diverged
AVERAGE_RAMP = 10  # the average begins quickly: after t steps it remembers about t / 10

logger = logging.getLogger(__name__)


class DivergedError(InputError):
    """The weights are of no use any more, unlike those that were saved before."""


class TrainingModule(LightningModule):
    """A network, its moving average, and how a step changes them.

    Args:
        network: Network to train in place, in training mode except for frozen parts.
        run: Run with the options of losses and optimizer.
        schedule: Learning rate and end of the training.
        about: What saved states of the run say about themselves.
        started: Value of ``time.monotonic`` from which the schedule counts minutes.
    """

    def __init__(
        self,
        network: Yolact,
        run: RunConfig,
        schedule: Schedule,
        about: dict[str, Any],
        started: float,
    ) -> None:
        super().__init__()
        self.network = network
        self.average = (
            copy.deepcopy(network).eval().requires_grad_(False)
            if run.optimizer.average > 0
            else None
        )
        self.losses: Losses | None = None  # of the last step
        self.skipped = 0
        self.progress = 0.0
        self._latest: deque[bool] = deque(maxlen=LATEST)  # whether each step was sound
        self._run = run
        self._schedule = schedule
        self._about = about
        self._started = started
        self._predict = torch.compile(self._compute) if run.device.compile else self._compute

    @property
    def best_network(self) -> Yolact:
        """The network to evaluate and to save: the average if there is one."""
        return self.network if self.average is None else self.average

    @property
    def is_sound(self) -> bool:
        """Whether the last step had a finite gradient."""
        return self._latest[-1] if self._latest else True

    @property
    def seconds(self) -> float:
        """How long this run has taken, without breaks."""
        return time.monotonic() - self._started

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Make the optimizer of all parameters that are not frozen."""
        parameters = [value for value in self.network.parameters() if value.requires_grad]
        if not parameters:
            raise InputError(
                f'model.freeze must leave something to train, got {list(self._run.model.freeze)}'
            )
        return make_optimizer(parameters, self._run.optimizer, self.device)

    def on_train_start(self) -> None:
        """Stop at once if a resumed run is over already."""
        self._statistics = BatchStatistics(self.network)
        self._look_ahead(self.global_step)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate of the step."""
        rate = self._schedule.rate(self.global_step, self.progress)
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group['lr'] = rate

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Return the loss of one batch."""
        inputs, targets = batch
        options = self._run.loss
        prediction, semantic_logits = self._predict(inputs)
        matches = self._match(prediction, targets)
        if self.trainer.world_size > 1:
            matches = replace(matches, normalizer=self._share_of_positives(matches))
        losses = compute_losses(
            prediction, semantic_logits, matches, options, self.network, self._make_generator()
        )
        self.losses = Losses(*(term.detach() for term in losses))
        total = losses.total()
        self.log('loss', total.detach(), prog_bar=True, logger=False)
        self.log('done', self.progress, prog_bar=True, logger=False)
        return total

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Lightning's
        """Change the weights, move the average, and stop when steps or time are used up."""
        super().optimizer_step(*args, **kwargs)
        step = self.global_step + 1
        if self.average is not None and self.is_sound:
            decay = min(self._run.optimizer.average, (1 + step) / (AVERAGE_RAMP + step))
            move_average(self.average, self.network, decay)
        self._look_ahead(step)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten the gradient, or drop it if it is not finite: the step then changes nothing."""
        parameters = [value for value in self.network.parameters() if value.grad is not None]
        longest = self._run.optimizer.clip_norm or math.inf
        norm = torch.nn.utils.clip_grad_norm_(parameters, longest)
        is_sound = bool(norm.isfinite())
        self._latest.append(is_sound)
        self._statistics.follow(is_sound)
        if is_sound:
            return
        optimizer.zero_grad(set_to_none=True)
        self.skipped += 1
        if self.skipped == 1:
            logger.warning('step %d is skipped: its gradient is not finite', self.global_step + 1)
        if len(self._latest) == LATEST:
            self.refuse_divergence()

    def refuse_divergence(self) -> None:
        """End the training if most of the latest steps were skipped.

        Raises:
            DivergedError: They were.
        """
        skipped = self._latest.count(False)
        if 2 * skipped > len(self._latest):
            raise DivergedError(
                f'loss must stay finite, but {skipped} of the last {len(self._latest)} steps were '
                'skipped because their gradients were not: lower optimizer.learning_rate, now '
                f'{self._run.optimizer.learning_rate:g}, or raise schedule.warmup_steps'
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what weights and optimizer do not contain."""
        checkpoint[STATE] = {'seconds': self.seconds, 'skipped': self.skipped, **self._about}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue where the checkpoint was saved."""
        state = checkpoint[STATE]
        self._started = time.monotonic() - state['seconds']
        self.skipped = state['skipped']

    def _look_ahead(self, step: int) -> None:
        """Update the progress after so many steps; all processes must agree on it."""
        seconds = self.seconds
        if self.trainer.world_size > 1:
            seconds = self.trainer.strategy.broadcast(seconds)
        self.progress = self._schedule.progress(step, seconds)
        if self.progress >= 1:
            self.trainer.should_stop = True

    def _match(self, prediction: Prediction, targets: Targets) -> Matches:
        priors, options = self.network.priors, self._run.loss.matching
        if self.network.config.box_coding == 'distances':
            return match_centres(prediction, priors, targets, options)
        return match_priors(priors, targets, options)

    def _share_of_positives(self, matches: Matches) -> Tensor:
        """Return the mean of qualities per process, so gradients are those of the batch."""
        positives = matches.qualities.sum()
        total: Tensor = self.trainer.strategy.reduce(positives, reduce_op='sum')
        return total.clamp(min=1) / self.trainer.world_size

    def _compute(self, inputs: Tensor | Features) -> tuple[Prediction, Tensor]:
        if not isinstance(inputs, Features):
            inputs = self.network.extract(self.network.normalize(inputs))
        return self.network.predict(inputs), self.network.semantic_seg_conv(inputs.levels[0])

    def _make_generator(self) -> torch.Generator:
        """Make a generator that depends only on seed, step and process."""
        seed = (self._run.seed * 1_000_003 + self.global_step) * 1_009 + self.global_rank
        return torch.Generator(self.device).manual_seed(seed)
