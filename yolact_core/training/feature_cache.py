"""Features of a frozen trunk, computed once for each view of each image and kept on disk."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import Dataset, Subset

from yolact_core.dataset import SampleLoader, Targets, collate
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.network.yolact import Features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolact_core.network import Yolact
    from yolact_core.training.options import RunConfig
    from yolact_core.training.samples import TrainingSamples

TRUNK = ('backbone', 'fpn')
BATCH = 8
LINE_SECONDS = 30.0

Cached = tuple[Features, Targets]

logger = logging.getLogger(__name__)


class FeatureCache(Dataset[Cached]):
    """Training samples as features, by position, which is epoch times length plus index.

    Epochs repeat after ``data.cache_views``. What is on disk already is not computed again.

    Args:
        run: Run whose trunk is frozen, with the folder and the number of views.
        network: Network with the trunk.
        samples: The augmented samples.

    Raises:
        InputError: The trunk is not frozen, or several processes train.
    """

    def __init__(self, run: RunConfig, network: Yolact, samples: TrainingSamples) -> None:
        trunk = [weight for part in TRUNK for weight in network.get_submodule(part).parameters()]
        if run.data.cache is None or any(weight.requires_grad for weight in trunk):
            raise InputError(
                f'model.freeze must name {" and ".join(TRUNK)} where features are cached, '
                f'got {list(run.model.freeze)}'
            )
        if run.device.devices * run.device.machines > 1:
            raise InputError('data.cache must not be given where several devices train')
        self._folder = Path(run.data.cache) / _describe(run, network)
        self._samples = samples
        self._count = len(samples) * run.data.cache_views
        self._workers = run.data.workers

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, position: int) -> Cached:
        """Return features and truth of one view, each with a batch dimension of one.

        Raises:
            InputError: The file of the view cannot be read.
        """
        path = self._path(position % self._count)
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(
                f'{path} must be a whole file of features: {error}; delete it to compute it again'
            ) from error
        levels = [tensors[f'level{index}'] for index in range(_count_levels(tensors))]
        truth = Targets(*([tensors[name]] for name in Targets.__dataclass_fields__))
        return Features(levels, tensors.get('detail')), truth

    def fill(self, network: Yolact) -> None:
        """Compute what is not on disk yet.

        Args:
            network: Network with the trunk; images are computed on its device.
        """
        missing = [one for one in range(self._count) if not self._path(one).is_file()]
        if not missing:
            return
        logger.info('features of %d views are computed: %s', len(missing), self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        loader = SampleLoader(
            Subset(self._samples, missing), collate, self._workers, batch_size=BATCH
        )
        told, done = time.monotonic(), 0
        for images, targets in loader:
            features = _extract(network, images)
            for index in range(len(images)):
                self._write(missing[done], features, targets, index)
                done += 1
            if time.monotonic() - told > LINE_SECONDS:
                told = time.monotonic()
                logger.info('features of %d of %d views', done, len(missing))

    def _write(self, position: int, features: Features, targets: Targets, index: int) -> None:
        tensors = {
            f'level{number}': level[index : index + 1].half().cpu()
            for number, level in enumerate(features.levels)
        }
        if features.detail is not None:
            tensors['detail'] = features.detail[index : index + 1].half().cpu()
        truth = {name: part[index] for name, part in vars(targets).items()}
        with replace_when_done(self._path(position)) as unfinished:
            save_file(
                {key: one.contiguous() for key, one in {**tensors, **truth}.items()}, unfinished
            )

    def _path(self, position: int) -> Path:
        return self._folder / f'{position}.safetensors'


def collate_features(cached: Sequence[Cached]) -> Cached:
    """Make a batch of samples from the cache."""
    features, targets = zip(*cached, strict=True)
    levels = [torch.cat(level) for level in zip(*(one.levels for one in features), strict=True)]
    details = [one.detail for one in features if one.detail is not None]
    parts = zip(*(vars(one).values() for one in targets), strict=True)
    return (
        Features(levels, torch.cat(details) if details else None),
        Targets(*([tensor for part in of_kind for tensor in part] for of_kind in parts)),
    )


@torch.inference_mode()
def _extract(network: Yolact, images: Tensor) -> Features:
    device = network.priors.device
    return network.extract(network.normalize(images.to(device).float()))


def _describe(run: RunConfig, network: Yolact) -> str:
    """Return a name for all that the features depend on."""
    digest = hashlib.sha256()
    for part in TRUNK:
        for key, value in network.get_submodule(part).state_dict().items():
            digest.update(key.encode())
            digest.update(value.cpu().numpy().tobytes())
    settings = [run.data.train, run.data.mask_size, run.recipe, vars(run.augmentation), run.seed]
    digest.update(json.dumps([network.config.input_size, *settings]).encode())
    return digest.hexdigest()[:16]


def _count_levels(tensors: dict[str, Tensor]) -> int:
    return sum(name.startswith('level') for name in tensors)
