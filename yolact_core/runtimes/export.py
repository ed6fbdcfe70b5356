"""From a network to a graph, and to a file that another runtime reads and that was checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.errors import InputError, package_needed
from yolact_core.files import replace_together
from yolact_core.inference.preprocessing import Normalizer
from yolact_core.network import Yolact
from yolact_core.quantization.calibration import calibrate, quantize_network
from yolact_core.quantization.tracing import trace_network
from yolact_core.runtimes.comparison import (
    OutputDifference,
    compare_outputs,
    require_equality,
)
from yolact_core.runtimes.exported_backend import ModelCard
from yolact_core.runtimes.outputs import output_names, with_outputs
from yolact_core.runtimes.registry import RUNTIMES

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig

COMPARED = 8  # calibration images
INPUT = 'images'


@dataclass(frozen=True)
class ExportOptions:
    """What is written.

    Args:
        runtime: Name of the runtime that reads the file.
        precision: One of those that files of the runtime can be written in.
        calibration: Folder of images for ``int8``; None: the ranges that the network has hold.
        is_decoded: Give boxes and scores instead of offsets and logits. This project cannot run
            such a file: it is for other programs.
        candidates: Number of priors of each image that outputs are for, the most promising ones;
            None: all.

    Raises:
        InputError: The runtime is not installed or does not know the precision, there must not be
            calibration images, or candidates cannot be picked.
    """

    runtime: str
    precision: str = 'float32'
    calibration: Path | None = None
    is_decoded: bool = False
    candidates: int | None = None

    def __post_init__(self) -> None:
        runtime = RUNTIMES[self.runtime]
        runtime.require()
        if self.precision not in runtime.precisions:
            raise InputError(
                f'precision of an export to {self.runtime} must be one of '
                f'{", ".join(runtime.precisions)}, got {self.precision!r}'
            )
        if self.precision != 'int8' and self.calibration is not None:
            raise InputError(
                'calibration images must be given for int8 and for nothing else, got precision '
                f'{self.precision} and calibration {str(self.calibration)!r}'
            )
        if self.candidates is not None and not runtime.can_pick:
            able = [one.name for one in RUNTIMES.values() if one.can_pick]
            raise InputError(
                f'candidates must be picked by {", ".join(able)}, got {self.runtime}: '
                'its graphs give all priors'
            )
        if self.candidates is not None and self.candidates < 1:
            raise InputError(f'candidates must be at least 1, got {self.candidates}')


def write_onnx(network: nn.Module, card: ModelCard, path: Path) -> None:
    """Write a network to an ONNX file that takes any number of images, as bytes.

    Args:
        network: Network in evaluation mode, on the CPU, or what ``with_outputs`` made of it.
        card: What makes a full model of the graph; it goes into the metadata.
        path: ONNX file to write.

    Raises:
        InputError: What PyTorch needs to write ONNX is not installed.
    """
    side = card.config.input_size
    image = torch.zeros(side, side, 3, dtype=torch.uint8)
    from_bytes = nn.Sequential(Normalizer(card.config), network).eval()
    write_graph(trace_network(from_bytes, image), card, path)


def write_graph(graph: ExportedProgram, card: ModelCard, path: Path) -> None:
    """Write a traced network to an ONNX file; the arguments are as for ``write_onnx``."""
    with package_needed('onnxscript', 'onnx', 'to write ONNX'):
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    written = torch.onnx.export(
        graph,
        dynamo=True,
        verbose=False,
        input_names=[INPUT],
        output_names=list(card.outputs),
    )
    if written is None:
        raise RuntimeError('torch.onnx.export must return a program')
    ClearMetadataAndDocStringPass()(written.model)  # they name folders of this machine
    written.model.metadata_props.update(card.to_strings())
    written.save(path)


def export_network(network: Yolact, path: Path, options: ExportOptions) -> list[OutputDifference]:
    """Write a network to a file, after its outputs have been compared with PyTorch's.

    Args:
        network: Network in evaluation mode, on the CPU.
        path: File to write; an older one is replaced only when the new one is good.
        options: What is written.

    Returns:
        How far the outputs are from PyTorch's, on calibration images, else on noise; nothing for
        an engine where there is no GPU.

    Raises:
        InputError: The suffix is wrong, the runtime cannot run the network, a package is missing,
            the calibration images cannot be read, or a float32 file does not agree with PyTorch.
    """
    runtime = RUNTIMES[options.runtime]
    if not runtime.names(path):
        raise InputError(f'output must be a {runtime.suffix} file, got {str(path)!r}')
    config = network.config
    if not runtime.can_run(config):
        raise InputError(
            f'a network for {runtime.name} must have no deformable convolutions, '
            f'got {config.name}: use another backend'
        )
    images = calibrate(network, options.calibration) if options.calibration else []
    exact = with_outputs(network, options.is_decoded, options.candidates)
    whole = with_outputs(network, options.is_decoded, None)
    names = output_names(options.is_decoded, options.candidates is not None)
    card = ModelCard.of_network(network, hash_weights(network), options.precision, names)
    is_symmetric = runtime.backend_class.is_symmetric
    module = (
        quantize_network(network, is_symmetric, exact) if options.precision == 'int8' else exact
    )
    with replace_together(path) as unfinished:
        runtime.backend_class.write(module, card, unfinished)
        device = runtime.backend_class.device_to_check()
        if device is None:
            return []
        backend = runtime.open_model(unfinished, device, 'auto')
        images = images[:COMPARED] or [_noise(config)]
        differences = compare_outputs(
            backend,
            nn.Sequential(Normalizer(config), exact),
            nn.Sequential(Normalizer(config), whole),
            images,
        )
        if options.precision == 'float32':
            require_equality(differences)
    return differences


def _noise(config: ModelConfig) -> Tensor:
    """Return an image of noise, bytes of shape (1, S, S, 3), to compare float32 graphs on."""
    shape = (1, config.input_size, config.input_size, 3)
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)
