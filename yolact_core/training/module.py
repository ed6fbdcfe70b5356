"""The training step, as Lightning's Trainer calls it."""

from __future__ import annotations

import copy
import logging
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from yolact_core.errors import InputError
from yolact_core.network import Prediction, Yolact
from yolact_core.network.yolact import Features
from yolact_core.training.centre_matching import match_centres
from yolact_core.training.loss import Losses, compute_losses
from yolact_core.training.matching import Matches, match_priors
from yolact_core.training.optimization import Schedule, make_optimizer

if TYPE_CHECKING:
    from yolact_core.dataset import Targets
    from yolact_core.training.data import Batch
    from yolact_core.training.options import RunConfig

MOST_SKIPPED = 100  # steps in a row before a training counts as diverged
AVERAGE_RAMP = 10  # the average begins quickly: after t steps it remembers about t / 10

logger = logging.getLogger(__name__)


class TrainingModule(LightningModule):
    """A network, its moving average, and how a step changes them.

    Args:
        network: Network to train in place, in training mode except for frozen parts.
        run: Run with the options of losses and optimizer.
        schedule: Learning rate and end of the training.
        started: Value of ``time.monotonic`` from which the schedule counts minutes.
    """

    def __init__(
        self, network: Yolact, run: RunConfig, schedule: Schedule, started: float
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
        self._skipped_in_a_row = 0
        self._run = run
        self._schedule = schedule
        self._started = started
        self._predict = torch.compile(self._compute) if run.device.compile else self._compute

    @property
    def best_network(self) -> Yolact:
        """The network to evaluate and to save: the average if there is one."""
        return self.network if self.average is None else self.average

    @property
    def seconds(self) -> float:
        """How long this run has taken, without breaks."""
        return time.monotonic() - self._started

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Make the optimizer of all parameters that are not frozen."""
        parameters = [value for value in self.network.parameters() if value.requires_grad]
        return make_optimizer(parameters, self._run.optimizer, self.device)

    def on_train_start(self) -> None:
        """Stop at once if a resumed run is over already."""
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
        if self.average is not None:
            decay = min(self._run.optimizer.average, (1 + step) / (AVERAGE_RAMP + step))
            move_average(self.average, self.network, decay)
        self._look_ahead(step)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Shorten the gradient, or drop it if it is not finite: the step then changes nothing."""
        parameters = [value for value in self.network.parameters() if value.grad is not None]
        longest = self._run.optimizer.clip_norm or math.inf
        norm = torch.nn.utils.clip_grad_norm_(parameters, longest)
        if bool(norm.isfinite()):
            self._skipped_in_a_row = 0
            return
        optimizer.zero_grad(set_to_none=True)
        self.skipped += 1
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row >= MOST_SKIPPED:
            raise InputError(
                f'loss must stay finite, but {MOST_SKIPPED} steps in a row were skipped; '
                'try a lower learning_rate'
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save what weights and optimizer do not contain."""
        checkpoint['yolact'] = {'seconds': self.seconds, 'skipped': self.skipped}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue where the checkpoint was saved."""
        state = checkpoint['yolact']
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


@torch.no_grad()
def move_average(average: Yolact, network: Yolact, decay: float) -> None:
    """Move averaged weights towards the current ones; counters are copied.

    Args:
        average: Network with the averaged weights, changed in place.
        network: Network with the current weights.
        decay: Share of the average that stays, in [0, 1].
    """
    current = network.state_dict()
    pairs = [(value, current[key]) for key, value in average.state_dict().items()]
    moving = [pair for pair in pairs if pair[0].is_floating_point()]
    get_ema_multi_avg_fn(decay)([mine for mine, _ in moving], [new for _, new in moving], None)
    for mine, new in pairs:
        if not mine.is_floating_point():
            mine.copy_(new)
