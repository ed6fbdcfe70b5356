"""Endless training batches that depend only on the seed and the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from yolact_core.dataset import CocoDataset, Sample, Targets, collate, start_worker
from yolact_core.dataset.checking import check_dataset
from yolact_core.errors import InputError
from yolact_core.network.yolact import Features
from yolact_core.training.augmentation import training_recipe
from yolact_core.training.augmentation.appearance import WHITE
from yolact_core.training.feature_cache import FeatureCache, collate_features

if TYPE_CHECKING:
    from yolact_core.dataset.sample import Transform
    from yolact_core.network import Yolact
    from yolact_core.training.options import DataOptions, RunConfig

Batch = tuple[Tensor | Features, Targets]

PREFETCHED_BATCHES = 4  # per worker


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
        """Return the sample at a position, independent of what was read before."""
        epoch, index = divmod(position, len(self._dataset))
        generator = np.random.default_rng([self._seed, epoch, index])
        sample = self._transform(self._dataset[index], generator)
        image = np.clip(np.rint(sample.image), 0, WHITE).astype(np.uint8)
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


def open_dataset(
    annotations: str, images: str, class_names: tuple[str, ...] | None = None
) -> CocoDataset:
    """Open a data set to train or evaluate on.

    Args:
        annotations: Annotation file in COCO's format.
        images: Folder that the file names are relative to.
        class_names: Classes that it must have; None means any.

    Raises:
        InputError: It cannot be read, has no images or other classes.
    """
    dataset = CocoDataset(Path(annotations), Path(images), class_names=class_names)
    if len(dataset) == 0:
        raise InputError(f'{annotations} must list at least one image')
    return dataset


def refuse_faulty(annotations: str, images: str) -> None:
    """Refuse a data set with errors that would spoil a training.

    Raises:
        InputError: There are errors; the text names the first.
    """
    problems = check_dataset(Path(annotations), Path(images))
    errors = [problem for problem in problems if problem.severity == 'error']
    if errors:
        raise InputError(
            f'{annotations} must have no errors, but has {len(errors)}, the first of them '
            f'{errors[0].where}: {errors[0].reason}; "yolact dataset check" lists all'
        )


def open_validation(
    options: DataOptions, part: str, class_names: tuple[str, ...]
) -> CocoDataset | None:
    """Open the ``val`` or ``test`` data, if there are any."""
    annotations = getattr(options, part)
    images = getattr(options, f'{part}_images') or options.images
    return open_dataset(annotations, images, class_names) if annotations else None


class TrainingData(LightningDataModule):
    """Makes the loader once Lightning knows the processes and the first step.

    Args:
        run: Run with batch size, seed, workers and augmentation.
        dataset: Samples as read.
        network: Network in training.
    """

    def __init__(self, run: RunConfig, dataset: CocoDataset, network: Yolact) -> None:
        super().__init__()
        self._run = run
        self._dataset = dataset
        self._network = network

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the endless loader of this process's share of each batch.

        It holds images as bytes or, with a cache, the features of a frozen trunk.
        """
        run, dataset, trainer = self._run, self._dataset, self.trainer
        if trainer is None:
            raise RuntimeError('a trainer must have been attached')
        donors = dataset if run.augmentation.copy_paste > 0 else None
        transform = training_recipe(
            run.recipe, self._network.config, run.augmentation, run.data.mask_size, donors
        )
        order = BatchOrder(
            len(dataset),
            run.batch_size,
            run.seed,
            trainer.global_step,
            trainer.global_rank,
            trainer.world_size,
        )
        workers = run.data.workers
        samples = TrainingSamples(dataset, transform, run.seed)
        cache = None
        if run.data.cache is not None:
            cache = FeatureCache(run, self._network, samples)
            cache.fill(self._network)
        return DataLoader(
            cache or samples,
            batch_sampler=order,
            collate_fn=collate_features if cache else collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=PREFETCHED_BATCHES if workers > 0 else None,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=start_worker if workers > 0 else None,
        )

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _loader: int) -> Batch:
        """Move a batch without waiting for it, images channels-last and float."""
        inputs, targets = batch
        if isinstance(inputs, Features):
            levels = [level.to(device, non_blocking=True).float() for level in inputs.levels]
            detail = None if inputs.detail is None else inputs.detail.to(device).float()
            return Features(levels, detail), targets.to(device)
        return inputs.to(device, non_blocking=True).float(), targets.to(device)
