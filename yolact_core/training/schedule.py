"""How far a training is, and the learning rate that belongs to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from yolact_core.training.options import OptimizerOptions, ScheduleOptions

REFERENCE_BATCH = 8  # images; what rates and steps are given for
FIRST_RATE = 1e-4  # where the warm-up begins
STEP_FACTOR = 0.1
COSINE_END = 0.01  # of the full rate


@dataclass(frozen=True)
class Schedule:
    """The schedule of one run, in its own steps.

    Args:
        full_rate: Learning rate after the warm-up.
        steps: Length of the training.
        milestones: Steps at which the rate falls to a tenth, or None for a cosine.
        warmup_steps: Steps over which the rate rises.
        seconds: The time after which training ends, too, or infinity.
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
            options: For batches of 8 images.
            optimizer: Says the rate, and whether to scale.
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
        """Return how much of the training is over, by steps or by time: 1 and more is the end."""
        return max(step / self.steps, seconds / self.seconds)

    def rate(self, step: int, progress: float) -> float:
        """Return the learning rate.

        Args:
            step: Counted from 0.
            progress: In [0, 1].
        """
        if step <= self.warmup_steps and self.warmup_steps > 0:
            first = min(FIRST_RATE, self.full_rate)
            return first + (self.full_rate - first) * step / self.warmup_steps
        if self.milestones is not None:
            return self.full_rate * STEP_FACTOR ** sum(step >= at for at in self.milestones)
        height = (1 + math.cos(math.pi * min(progress, 1.0))) / 2
        return self.full_rate * (COSINE_END + (1 - COSINE_END) * height)
