"""How weights follow gradients: the optimizer, its learning rate, averages, and the end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from yolact_core.errors import InputError
from yolact_core.records import check_fields

if TYPE_CHECKING:
    from yolact_core.network import Yolact

MOMENTS = (0.9, 0.999)  # of AdamW
REFERENCE_BATCH = 8  # images; what rates and steps are given for
FIRST_RATE = 1e-4  # where the warm-up begins
STEP_FACTOR = 0.1
COSINE_END = 0.01  # of the full rate


@dataclass(frozen=True)
class OptimizerOptions:
    """How weights follow gradients.

    Args:
        kind: Kind of optimizer, ``sgd`` or ``adamw``.
        learning_rate: Learning rate for a batch of 8 images (see ``scale_to_batch``).
        momentum: Momentum of SGD.
        weight_decay: Weight decay of all parameters.
        clip_norm: Norm that longer gradients are shortened to; 0 means never.
        scale_to_batch: Whether the rate grows with the batch and the steps shrink, as in the
            original.
        average: Decay of the moving average of the weights that is evaluated and saved, in
            [0, 1); 0 means no average.
    """

    kind: Literal['sgd', 'adamw'] = 'sgd'
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float = 35.0
    scale_to_batch: bool = True
    average: float = 0.999

    def __post_init__(self) -> None:
        rules = {
            'learning_rate must be in (0, 1000]': 0 < self.learning_rate <= 1000,
            'momentum must be in [0, 1)': 0 <= self.momentum < 1,
            'weight_decay must be in [0, 1]': 0 <= self.weight_decay <= 1,
            'clip_norm must be at least 0': self.clip_norm >= 0,
            'average must be in [0, 1)': 0 <= self.average < 1,
        }
        check_fields(self, rules)


@dataclass(frozen=True)
class ScheduleOptions:
    """How long a training takes, and how its learning rate changes.

    Args:
        kind: Course of the learning rate: ``cosine`` falls smoothly to a hundredth, ``steps`` to
            a tenth at each milestone.
        steps: Length of the training in steps of 8 images (see ``scale_to_batch``).
        milestones: Steps of 8 images at which the rate of kind ``steps`` falls.
        warmup_steps: Number of steps, of any batch size, over which the rate rises.
        max_minutes: Longest duration of the whole run, final evaluation included; 0 means no
            limit. The cosine then ends with the steps or the time, whichever is used up first;
            milestones do not move.
        reserve_minutes: Part of these minutes that is kept for the final evaluation.
    """

    kind: Literal['cosine', 'steps'] = 'cosine'
    steps: int = 20_000
    milestones: tuple[int, ...] = ()
    warmup_steps: int = 500
    max_minutes: float = 0.0
    reserve_minutes: float = 1.0

    def __post_init__(self) -> None:
        rules = {
            'steps must be at least 1': self.steps >= 1,
            'warmup_steps must be at least 0': self.warmup_steps >= 0,
            'max_minutes must be at least 0': self.max_minutes >= 0,
            'reserve_minutes must be at least 0': self.reserve_minutes >= 0,
        }
        check_fields(self, rules)
        if 0 < self.max_minutes <= self.reserve_minutes:
            raise InputError(
                f'max_minutes must be more than the {self.reserve_minutes} reserve_minutes, '
                f'got {self.max_minutes}'
            )


@dataclass(frozen=True)
class Schedule:
    """The schedule of one run, in its own steps.

    Args:
        full_rate: Learning rate after the warm-up.
        steps: Length of the training.
        milestones: Steps at which the rate falls to a tenth, or None for a cosine.
        warmup_steps: Number of steps over which the rate rises.
        seconds: Time after which training ends as well, or infinity.
    """

    full_rate: float
    steps: int
    milestones: tuple[int, ...] | None
    warmup_steps: int
    seconds: float

    @classmethod
    def build(
        cls, options: ScheduleOptions, optimizer: OptimizerOptions, batch_size: int
    ) -> Schedule:
        """Scale a schedule to the batch, as the original does.

        Args:
            options: Schedule for batches of 8 images.
            optimizer: Options with the learning rate and whether to scale it.
            batch_size: Images per step.
        """
        scale = batch_size / REFERENCE_BATCH if optimizer.scale_to_batch else 1.0
        minutes = options.max_minutes - options.reserve_minutes
        return cls(
            full_rate=optimizer.learning_rate * scale,
            steps=max(1, int(options.steps // scale)),
            milestones=(
                tuple(int(step // scale) for step in options.milestones)
                if options.kind == 'steps'
                else None
            ),
            warmup_steps=options.warmup_steps,
            seconds=60 * minutes if options.max_minutes > 0 else math.inf,
        )

    def progress(self, step: int, seconds: float) -> float:
        """Return how much of the training is over, by steps or by time; it ends at 1."""
        return max(step / self.steps, seconds / self.seconds)

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate.

        Args:
            step: Index of the step, from 0.
            progress: How much of the training is over, in [0, 1].
        """
        if step <= self.warmup_steps and self.warmup_steps > 0:
            first = min(FIRST_RATE, self.full_rate)
            return first + (self.full_rate - first) * step / self.warmup_steps
        if self.milestones is not None:
            return self.full_rate * STEP_FACTOR ** sum(step >= at for at in self.milestones)
        height = (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        return self.full_rate * (COSINE_END + (1 - COSINE_END) * height)


def make_optimizer(
    parameters: list[torch.nn.Parameter], options: OptimizerOptions, device: torch.device
) -> torch.optim.Optimizer:
    """Make the optimizer; one kernel updates all parameters on GPUs."""
    common: dict[str, Any] = {
        'lr': options.learning_rate,
        'weight_decay': options.weight_decay,
        'fused': device.type == 'cuda',
    }
    if options.kind == 'adamw':
        return torch.optim.AdamW(parameters, betas=MOMENTS, **common)
    return torch.optim.SGD(parameters, momentum=options.momentum, **common)


class BatchStatistics:
    """The running means and variances of batch norms, and what they were before a step.

    A forward pass has changed them by the time that its gradient turns out not to be finite.

    Args:
        network: Network in training, on its device; frozen batch norms are left alone.
    """

    def __init__(self, network: Yolact) -> None:
        norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
        pairs = [(one.running_mean, one.running_var) for one in norms if one.training]
        self._current = [value for pair in pairs for value in pair if value is not None]
        self._before = [value.clone() for value in self._current]

    def follow(self, is_sound: bool) -> None:
        """Keep them after a sound step; otherwise, or if they are not finite, take them back."""
        if not self._current:
            return
        if is_sound and torch.stack(torch._foreach_norm(self._current)).isfinite().all():
            torch._foreach_copy_(self._before, self._current)
        else:
            torch._foreach_copy_(self._current, self._before)


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
    moving: list[tuple[Tensor, Tensor]] = [pair for pair in pairs if pair[0].is_floating_point()]
    get_ema_multi_avg_fn(decay)([mine for mine, _ in moving], [new for _, new in moving], None)
    for mine, new in pairs:
        if not mine.is_floating_point():
            mine.copy_(new)
