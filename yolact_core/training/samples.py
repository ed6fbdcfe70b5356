"""Augmented samples and their order, which depend only on the seed and the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Dataset, Sampler

from yolact_core.dataset import CocoDataset, Sample
from yolact_core.errors import InputError
from yolact_core.training.augmentation.appearance import WHITE

if TYPE_CHECKING:
    from yolact_core.dataset.sample import Transform


class TrainingSamples(Dataset[Sample]):
    """Augmented samples by position, which is epoch times length plus index.

    Images leave as bytes, which are a quarter of the floats to copy.

    Args:
        dataset: Samples as read.
        transform: Augmentation of the samples.
        seed: Seed that, with epoch and index, determines the augmentation of each sample.
    """

    def __init__(self, dataset: CocoDataset, transform: Transform, seed: int) -> None:
        self._dataset = dataset
        self._transform = transform
        self._seed = seed

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, position: int) -> Sample:
        """Return the sample at a position, independent of what was read before.

        Raises:
            InputError: The picture cannot be read, or there is not enough memory for it.
        """
        epoch, index = divmod(position, len(self._dataset))
        generator = np.random.default_rng([self._seed, epoch, index])
        try:
            sample = self._transform(self._dataset[index], generator)
            image = np.clip(np.rint(sample.image), 0, WHITE).astype(np.uint8)
        except InputError:
            raise
        except Exception as error:
            reason = f'{type(error).__name__} {error}'.strip()
            raise InputError(
                f'{self._dataset.image_path(index)} must be fit to train on: {reason}'
            ) from error
        return replace(sample, image=image)


class BatchOrder(Sampler[list[int]]):
    """The positions of each batch, without end: epoch after epoch, each shuffled anew.

    Args:
        length: Number of images in the data set.
        batch_size: Images per step, of all processes together.
        seed: Seed of the shuffling.
        first_step: Step to begin with, for a resumed run.
        rank: Index of this process.
        processes: Number of processes that share a batch.
    """

    def __init__(
        self,
        length: int,
        batch_size: int,
        seed: int,
        first_step: int = 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self._length = length
        self._batch_size = batch_size
        self._seed = seed
        self._first_step = first_step
        self._share = slice(rank, None, processes)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the positions of one batch after the other."""
        epoch, skipped = divmod(self._first_step * self._batch_size, self._length)
        waiting = self._epoch(epoch)[skipped:]
        while True:
            while len(waiting) < self._batch_size:
                epoch += 1
                waiting += self._epoch(epoch)
            yield waiting[: self._batch_size][self._share]
            waiting = waiting[self._batch_size :]

    def _epoch(self, epoch: int) -> list[int]:
        order = np.random.default_rng([self._seed, epoch]).permutation(self._length)
        positions: list[int] = (order + epoch * self._length).tolist()
        return positions
