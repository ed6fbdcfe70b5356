"""Exported files that are kept between runs."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.export.calibration import read_calibration
from yolact_core.export.export import PRECISIONS, ExportOptions, export_network, export_onnx
from yolact_core.runtimes.exported import FORMAT
from yolact_core.runtimes.table import RUNTIMES

if TYPE_CHECKING:
    from pathlib import Path

    from yolact_core.network import Yolact

KEY_DIGITS = 16
logger = logging.getLogger(__name__)


def find_or_export(
    network: Yolact, runtime: str, precision: str = 'auto', folder: str | Path | None = None
) -> Path:
    """Return a file of a network for a runtime, which is written at its first use.

    Args:
        network: In evaluation mode, on the CPU.
        runtime: That reads it.
        precision: Of an engine; other files are in float32 and run in what they can.
        folder: Where engines are kept, if not with the other files.

    Raises:
        InputError: It cannot be exported.
    """
    if runtime == 'tensorrt':
        return find_or_build(network, precision, folder)
    path = cache_folder() / 'exported' / f'{model_key(network)}{RUNTIMES[runtime].suffix}'
    if not path.is_file():
        logger.info('exporting %s for %s to %s, once', network.config.name, runtime, path)
        export_network(network, path, ExportOptions(runtime))
    return path


def find_or_build(
    network: Yolact,
    precision: str = 'auto',
    folder: str | Path | None = None,
    calibration: Path | None = None,
) -> Path:
    """Return TensorRT's engine of a network for the GPU that is here, built at its first use.

    Args:
        network: In evaluation mode, on the CPU.
        precision: ``float32``, ``float16`` or ``int8``; ``auto`` is float16.
        folder: Where engines are kept, if not with the other files.
        calibration: Folder of images, for an ``int8`` engine that is not there yet.

    Raises:
        InputError: TensorRT is missing or cannot build it, or the images cannot be read.
    """
    from yolact_core.runtimes.tensorrt.engine_cache import cached_engine

    def export(path: Path) -> None:
        logger.info('building an engine of %s, once', network.config.name)
        export_onnx(network, path)

    if precision == 'auto':
        precision = PRECISIONS['tensorrt'][0]
    digest = hash_weights(network)
    images = read_calibration(calibration, network.config) if calibration else ()
    return cached_engine(network.config, digest, precision, export, images, folder)


def model_key(network: Yolact) -> str:
    """Return a name for a network that changes with its weights, configuration and our format."""
    facts = [FORMAT, hash_weights(network), network.config.to_mapping()]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f'{network.config.name}-{digest[:KEY_DIGITS]}'
