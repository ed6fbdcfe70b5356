"""A whole training run, from options to figures."""

from __future__ import annotations

import dataclasses
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
import yaml
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger

from yolact_core import __version__
from yolact_core.checkpoints.checkpoint import Facts
from yolact_core.dataset import deaths_told
from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.palette import make_palette
from yolact_core.training.callbacks import CheckpointSaver, ProgressLogger
from yolact_core.training.data import TrainingData, open_dataset, open_validation
from yolact_core.training.module import TrainingModule
from yolact_core.training.optimization import Schedule
from yolact_core.training.resuming import (
    LOCAL,
    StateFiles,
    check_state,
    describe_state,
    find_state,
)
from yolact_core.training.weights import (
    freeze,
    freeze_batch_norm,
    start_network,
)

if TYPE_CHECKING:
    from yolact_core.dataset import CocoDataset
    from yolact_core.network import Yolact
    from yolact_core.training.options import RunConfig

LEAST_FOR_BATCH_NORM = 6  # images per device, as in the original
PRECISIONS: dict[str, Literal['32-true', 'bf16-mixed', '16-mixed']] = {
    'fp32': '32-true',
    'bf16': 'bf16-mixed',
    'fp16': '16-mixed',
}
RUN_FILE = 'run.yaml'
EXPECTED_WARNINGS = (  # of Lightning
    r'Found \d+ module\(s\) in eval mode',  # the average, and batch norm that is frozen
    "The 'train_dataloader' does not have many workers",
    r'`isinstance\(treespec, LeafSpec\)` is deprecated',
)

logger = logging.getLogger(__name__)


def train(run: RunConfig) -> dict[str, Any]:
    """Train a network.

    Args:
        run: Options of the run.

    Returns:
        Figures of the run: steps, minutes, skipped steps, and the average precisions ``last``,
        ``best`` and, with test data, ``test``.

    Raises:
        InputError: A file cannot be read, does not fit, or would be overwritten.
    """
    started = time.monotonic()
    folder = Path(run.output)
    state = find_state(run, folder)
    seed_everything(run.seed, verbose=False)
    dataset = open_dataset(run.data, 'train')
    data_names = dataset.class_names
    network, origin, frozen = start_network(run.model, data_names, len(dataset))
    names = network.config.class_names
    if data_names != names and set(data_names) <= set(names):
        dataset = dataset.with_classes(names)
    val = open_validation(run.data, 'val', names)
    test = open_validation(run.data, 'test', names)
    logger.info('%s with %d classes: %s', network.config.name, len(names), origin)
    _prepare(network, run, frozen)
    about = describe_state(run, network, data_names)
    if state:
        check_state(state, about)
    schedule = Schedule.build(run.schedule, run.optimizer, run.batch_size)
    module = TrainingModule(network, run, schedule, about, started)
    facts = Facts(make_palette(len(names)), _describe_training(run, dataset, origin), run.license)
    saver = CheckpointSaver(module, folder, run.report, facts, val, test)
    progress = ProgressLogger(module, run.report.line_seconds, run.batch_size)
    try:
        trainer = _make_trainer(run, folder, [saver, progress])
    except MisconfigurationException as error:
        raise InputError(f'device must be one of this machine: {error}') from error
    if trainer.is_global_zero:
        with replace_when_done(folder / RUN_FILE) as unfinished:
            unfinished.write_text(yaml.safe_dump(dataclasses.asdict(run), sort_keys=False))
    with warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings('ignore', message)
        data = TrainingData(run, dataset, network)
        with deaths_told():
            trainer.fit(module, datamodule=data, ckpt_path=state)
    return {
        'steps': trainer.global_step,
        'minutes': round(module.seconds / 60, 2),
        'skipped': module.skipped,
        **saver.figures,
    }


def _prepare(network: Yolact, run: RunConfig, frozen: tuple[str, ...]) -> None:
    """Put the network into training mode, but for its frozen parts and what small batches ask."""
    network.train().to(memory_format=torch.channels_last)
    freeze(network, frozen)
    per_device = run.batch_size // (run.device.devices * run.device.machines)
    is_small = per_device < LEAST_FOR_BATCH_NORM
    if run.freeze_batch_norm == 'always' or (run.freeze_batch_norm == 'auto' and is_small):
        freeze_batch_norm(network)
        logger.info('batch norm is frozen (%d images per device)', per_device)


def _make_trainer(run: RunConfig, folder: Path, callbacks: list[Callback]) -> Trainer:
    is_terminal = sys.stderr.isatty()
    if is_terminal:
        callbacks = [*callbacks, RichProgressBar()]
    device = run.device
    return Trainer(
        accelerator=device.accelerator,
        devices=device.devices,
        num_nodes=device.machines,
        strategy='ddp' if device.devices * device.machines > 1 else 'auto',
        precision=PRECISIONS[_choose_precision(run)],
        max_steps=-1,
        max_epochs=-1,
        callbacks=callbacks,
        plugins=StateFiles(),
        logger=TensorBoardLogger(str(folder), name='', version='tensorboard'),
        enable_checkpointing=False,
        enable_progress_bar=is_terminal,
        enable_model_summary=False,
        use_distributed_sampler=False,
        deterministic='warn' if device.deterministic else None,
        benchmark=not device.deterministic,
    )


def _choose_precision(run: RunConfig) -> str:
    if run.device.precision != 'auto':
        return run.device.precision
    has_gpu = run.device.accelerator != 'cpu' and torch.cuda.is_available()
    return 'bf16' if has_gpu and torch.cuda.is_bf16_supported() else 'fp32'


def _describe_training(run: RunConfig, dataset: CocoDataset, origin: str) -> dict[str, Any]:
    return {
        'data': dataset.path.name,
        'images': len(dataset),
        'origin': origin,
        'version': __version__,
        'run': {key: value for key, value in dataclasses.asdict(run).items() if key not in LOCAL},
    }
