"""From the name of a model to a backend that runs it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from yolact_core.checkpoints.checkpoint import hash_weights, load_network
from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.errors import InputError
from yolact_core.runtimes import Backend
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.exported_backend import FORMAT
from yolact_core.runtimes.fastest import Choice, choose_fastest, recall, remember, situation
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
    from yolact_core.config import ModelConfig
    from yolact_core.network import Yolact

KEY_DIGITS = 16
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
    if name in RUNTIMES:
        RUNTIMES[name].require()
        where = _device_of(RUNTIMES[name], device)
    if precision == 'int8' and (name == 'auto' or _must_be_calibrated(name)):
        raise InputError(
            'precision int8 must be calibrated with images, got a checkpoint: run "yolact export '
            '--precision int8 --calibration DIR" and load the file that it writes'
        )
    network = load_network(source, config)
    if name == 'auto':
        return _choose(network, where, precision)
    return _build(name, network, where, precision, engine_cache_dir)


def model_key(network: Yolact) -> str:
    """Return a name for a network that changes with its weights, configuration and our format."""
    facts = [FORMAT, hash_weights(network), network.config.to_mapping()]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f'{network.config.name}-{digest[:KEY_DIGITS]}'


def _default_backend() -> str:
    name = os.environ.get(DEFAULT_BACKEND) or 'auto'
    _check_name(name, DEFAULT_BACKEND)
    return name


def _check_name(name: str, subject: str) -> None:
    if name not in ('auto', *backend_names()):
        raise InputError(
            f'{subject} must be one of auto, {", ".join(backend_names())}, got {name!r}'
        )


def _must_be_calibrated(name: str) -> bool:
    """Return whether files in int8 have to be there before: engines may have been built."""
    return name in RUNTIMES and 'int8' in RUNTIMES[name].precisions and not RUNTIMES[name].builder


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
    """Return a file of a network, written at its first use: in float32, unless it is an engine."""
    if runtime.builder:
        precision = runtime.precisions[0] if precision == 'auto' else precision
        return runtime.find_or_build(network, precision, folder, ())
    path = cache_folder() / 'exported' / f'{model_key(network)}{runtime.suffix}'
    if not path.is_file():
        logger.info('exporting %s for %s to %s, once', network.config.name, runtime.name, path)
        export_network(network, path, ExportOptions(runtime.name))
    return path


def _choose(network: Yolact, device: torch.device, precision: str) -> Backend:
    """Return the fastest backend of those installed; on a CUDA device that is PyTorch."""
    others = [
        name
        for name, runtime in RUNTIMES.items()
        if runtime.is_measured and runtime.is_installed and runtime.can_run(network.config)
    ]
    if device.type != 'cpu' or not others or precision not in ('auto', 'float32', 'bfloat16'):
        return _build('torch', network, device, precision)
    facts = situation(model_key(network), precision)
    choice = recall(facts, cache_folder())
    if choice is None or choice.backend not in ('torch', *others):
        choice, is_final = _measure(network, others, device, precision)
        try:
            if is_final:
                remember(choice, facts, cache_folder())
        except OSError as error:
            logger.warning('the choice of the backend cannot be remembered: %s', error)
    logger.info('backend auto for %s: %s', network.config.name, choice)
    return _build(choice.backend, network, device, precision)


def _measure(
    network: Yolact, others: list[str], device: torch.device, precision: str
) -> tuple[Choice, bool]:
    """Return the choice, and whether another time it would be the same."""
    is_final = True
    logger.info('measuring backends for %s, once', network.config.name)
    candidates = {}
    for name in others:
        try:
            candidates[name] = _build(name, network, device, precision)
        except Exception as error:  # no optional runtime keeps a model from running in PyTorch
            logger.warning('backend %s takes no part: %s', name, error)
            is_final = is_final and isinstance(error, InputError)
    candidates['torch'] = _build('torch', network, device, precision)
    return choose_fastest(candidates), is_final
