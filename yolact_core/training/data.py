"""The data of a training: what is opened, and endless batches of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from yolact_core.dataset import CocoDataset, SampleLoader, Targets, collate
from yolact_core.dataset.checking import require_sound
from yolact_core.network.yolact import Features
from yolact_core.training.augmentation import training_recipe
from yolact_core.training.feature_cache import FeatureCache, collate_features
from yolact_core.training.samples import BatchOrder, TrainingSamples

if TYPE_CHECKING:
    from yolact_core.network import Yolact
    from yolact_core.training.options import DataOptions, RunConfig

Batch = tuple[Tensor | Features, Targets]

PREFETCHED_BATCHES = 4  # per worker


def open_dataset(
    options: DataOptions, part: str, class_names: tuple[str, ...] | None = None
) -> CocoDataset:
    """Open data to train or evaluate on, log what is left out, and refuse what would fail later.

    Args:
        options: Options that name files and folders.
        part: Which data: ``train``, ``val`` or ``test``.
        class_names: Order of the classes; None means that of the file.

    Raises:
        InputError: They cannot be read, have errors, no object, or other classes.
    """
    images = getattr(options, f'{part}_images', None) or options.images
    dataset = CocoDataset(
        Path(getattr(options, part)), Path(images), class_names, options.orientation
    )
    require_sound(dataset)
    return dataset


def open_validation(
    options: DataOptions, part: str, class_names: tuple[str, ...]
) -> CocoDataset | None:
    """Open the ``val`` or ``test`` data, if there are any."""
    return open_dataset(options, part, class_names) if getattr(options, part) else None


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

    def train_dataloader(self) -> SampleLoader:
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
        return SampleLoader(
            cache or samples,
            collate_features if cache else collate,
            workers,
            batch_sampler=order,
            persistent_workers=workers > 0,
            prefetch_factor=PREFETCHED_BATCHES if workers > 0 else None,
            pin_memory=torch.cuda.is_available(),
        )

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _loader: int) -> Batch:
        """Move a batch without waiting for it, images channels-last and float."""
        inputs, targets = batch
        if isinstance(inputs, Features):
            detail = None if inputs.detail is None else _upload(inputs.detail, device)
            levels = [_upload(level, device) for level in inputs.levels]
            return Features(levels, detail), targets.to(device)
        return inputs.to(device, non_blocking=True).float(), targets.to(device)


def _upload(features: Tensor, device: torch.device) -> Tensor:
    return features.to(device, torch.float32, non_blocking=True, memory_format=torch.channels_last)
