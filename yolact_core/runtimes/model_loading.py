"""From the name of a model to a backend that runs it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from yolact_core.checkpoints.checkpoint import load_network, read_losses
from yolact_core.checkpoints.model_zoo import cache_folder, find_model
from yolact_core.errors import InputError
from yolact_core.runtimes import Backend
from yolact_core.runtimes.auto import Question, ask, choose, least_precision
from yolact_core.runtimes.choices import Choice, model_key
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.registry import (
    COMPILED,
    IN_PYTORCH,
    RUNTIMES,
    Runtime,
    backend_names,
    runtime_of_file,
)
from yolact_core.runtimes.torch import TorchBackend, resolve_device, resolve_precision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yolact_core.config import ModelConfig
    from yolact_core.network import Yolact

DEFAULT_BACKEND = 'YOLACT_BACKEND'  # environment variable: stands for auto
logger = logging.getLogger(__name__)


def load_backend(
    source: str | Path,
    device: str = 'auto',
    backend: str = 'auto',
    precision: str = 'auto',
    config: str | Path | ModelConfig | None = None,
    engine_cache_dir: str | Path | None = None,
) -> Backend:
    """Load a model into a backend; the arguments are those of ``Detector.load``.

    Raises:
        InputError: The model cannot be found or read, a runtime is not installed, or a wish
            cannot be met.
    """
    _check_name(backend, 'backend')
    if (runtime := runtime_of_file(Path(source))) is not None:
        return _open_exported(runtime, Path(source), device, backend, precision)
    name = _default_backend() if backend == 'auto' else backend
    where = resolve_device(device)
    if name == 'auto' and precision == 'int8':
        name = _runtime_for_int8(where)
    if name in RUNTIMES:
        RUNTIMES[name].require()
        where = _device_of(RUNTIMES[name], device)
    network = load_network(source, config)
    losses = read_losses(source)
    if name == 'auto' and where.type == 'cpu':
        _, choice, chosen = choose_backend(network, precision, losses)
        offer = offer_int8(source, losses)
        logger.info(
            'backend auto for %s: %s%s', network.config.name, choice, offer and f'; {offer}'
        )
        return chosen
    if precision == 'auto' and where.type == 'cpu' and name in RUNTIMES:
        precision = least_precision(RUNTIMES[name], losses)
    name = 'torch' if name == 'auto' else name
    return _build(name, network, where, precision, engine_cache_dir)


def choose_backend(
    network: Yolact, precision: str, losses: Mapping[str, float]
) -> tuple[Question, Choice, Backend]:
    """Return what ``auto`` stands for on this CPU: the question, the choice and the backend.

    Args:
        network: Network that is to run.
        precision: Precision that is asked for, or ``auto``.
        losses: Points of mask AP that the model is known to lose, as in ``Facts.losses``.
    """
    question = ask(network, precision, losses)
    cpu = torch.device('cpu')
    choice, backend = choose(
        question, lambda one: _build(one.backend, network, cpu, one.precision)
    )
    return question, choice, backend


def offer_int8(source: str | Path, losses: Mapping[str, float]) -> str:
    """Return how a model can be had in int8, which is never taken unasked; empty if it cannot.

    Args:
        source: Model as ``Detector.load`` takes it.
        losses: Points of mask AP that the model is known to lose, as in ``Facts.losses``.
    """
    path = find_model(source)
    for runtime in RUNTIMES.values():
        twin = path.with_name(f'{path.stem}-int8{runtime.suffix}')
        if 'int8' in runtime.precisions and twin.is_file():
            return f'beside it is {twin}, which is faster and less exact'
    if 'int8' in losses:
        return f'precision int8 is faster and loses {losses["int8"]} points of mask AP'
    return ''


def _default_backend() -> str:
    name = os.environ.get(DEFAULT_BACKEND) or 'auto'
    _check_name(name, DEFAULT_BACKEND)
    return name


def _check_name(name: str, subject: str) -> None:
    if name not in ('auto', *backend_names()):
        raise InputError(
            f'{subject} must be one of auto, {", ".join(backend_names())}, got {name!r}'
        )


def _runtime_for_int8(device: torch.device) -> str:
    """Return the first runtime that is made for int8 on a device."""
    return next(
        name
        for name, runtime in RUNTIMES.items()
        if 'int8' in runtime.precisions and device.type in runtime.devices
    )


def _open_exported(
    runtime: Runtime, path: Path, device: str, backend: str, precision: str
) -> Backend:
    if backend not in ('auto', runtime.name):
        raise InputError(f'{path} must be run by backend {runtime.name}, got {backend!r}')
    opened = runtime.open_model(path, _device_of(runtime, device), precision)
    if opened.card.is_decoded:
        raise InputError(
            f'{path} must give raw outputs to be run here, got {", ".join(opened.card.outputs)}: '
            'export it without --decode'
        )
    return opened


def _device_of(runtime: Runtime, device: str) -> torch.device:
    """Return where a runtime is to run: ``auto`` is a GPU only if it knows any."""
    is_cpu_only = device == 'auto' and 'cuda' not in runtime.devices
    return resolve_device('cpu' if is_cpu_only else device)


def _build(
    name: str,
    network: Yolact,
    device: torch.device,
    precision: str,
    engine_cache_dir: str | Path | None = None,
) -> Backend:
    if name in IN_PYTORCH:
        network = network.to(device)
        return TorchBackend(network, resolve_precision(precision, device, name), name == COMPILED)
    runtime = RUNTIMES[name]
    path = _find_or_export(network, runtime, precision, engine_cache_dir)
    return runtime.open_model(path, device, precision)


def _find_or_export(
    network: Yolact, runtime: Runtime, precision: str, folder: str | Path | None
) -> Path:
    """Return a file of a network, written at its first use.

    It is in float32, unless it is an engine or for int8.
    """
    if runtime.builder:
        precision = runtime.precisions[0] if precision == 'auto' else precision
        return runtime.find_or_build(network, precision, folder)
    written = precision if precision in runtime.precisions else runtime.precisions[0]
    path = cache_folder() / 'exported' / f'{model_key(network, written)}{runtime.suffix}'
    if not path.is_file():
        logger.info('exporting %s for %s to %s, once', network.config.name, runtime.name, path)
        export_network(network, path, ExportOptions(runtime.name, written))
    return path
