"""The data of a training: what is opened, and endless batches of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from yolact_core.dataset import CocoDataset, SampleLoader, Targets, collate
from yolact_core.dataset.checking import check_dataset
from yolact_core.errors import InputError
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
