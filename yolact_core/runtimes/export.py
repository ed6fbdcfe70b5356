"""From a network to a file that another runtime reads, checked before it is there."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.checkpoints.model_zoo import cache_folder
from yolact_core.errors import InputError
from yolact_core.files import replace_together
from yolact_core.inference.preprocessing import Preprocessor
from yolact_core.media.image_files import read_image
from yolact_core.runtimes.exported import FORMAT, ExportedBackend, ModelCard
from yolact_core.runtimes.graph import DecodedYolact
from yolact_core.runtimes.table import RUNTIMES

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig
    from yolact_core.network import Yolact

SUFFIXES = frozenset(('.jpg', '.jpeg', '.png', '.bmp', '.webp'))
MOST = 300  # calibration images, evenly from the folder: more change little
COMPARED = 8  # calibration images
TOLERANCE = 1e-3  # absolute, and relative to the value
KEY_DIGITS = 16
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportOptions:
    """What is written.

    Args:
        runtime: Name of the runtime that reads the file.
        precision: One of those that files of the runtime can be written in.
        calibration: Folder of images, for ``int8``.
        is_decoded: Give boxes and scores instead of offsets and logits. This project cannot run
            such a file: it is for other programs.

    Raises:
        InputError: The runtime is not installed or does not know the precision, or there must or
            must not be calibration images.
    """

    runtime: str
    precision: str = 'float32'
    calibration: Path | None = None
    is_decoded: bool = False

    def __post_init__(self) -> None:
        runtime = RUNTIMES[self.runtime]
        runtime.require()
        if self.precision not in runtime.precisions:
            raise InputError(
                f'precision of an export to {self.runtime} must be one of '
                f'{", ".join(runtime.precisions)}, got {self.precision!r}'
            )
        if (self.precision == 'int8') != (self.calibration is not None):
            raise InputError(
                'calibration images must be given for int8 and for nothing else, got precision '
                f'{self.precision} and calibration {str(self.calibration or "none")!r}'
            )


@dataclass(frozen=True)
class OutputDifference:
    """How far one output of an exported graph is from PyTorch's in float32.

    Args:
        output: Name of the output.
        mean: Mean absolute difference.
        largest: Largest absolute difference.
        magnitude: Mean absolute value of PyTorch's.
        is_equal: Whether every value agrees to a thousandth.
    """

    output: str
    mean: float
    largest: float
    magnitude: float
    is_equal: bool


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
    images = read_calibration(options.calibration, config) if options.calibration else []
    module = DecodedYolact(network).eval() if options.is_decoded else network
    card = ModelCard.of_network(
        network, hash_weights(network), options.precision, options.is_decoded
    )
    with replace_together(path) as unfinished:
        runtime.backend_class.write(module, card, unfinished, images)
        device = runtime.backend_class.device_to_check()
        if device is None:
            return []
        backend = runtime.open_model(unfinished, device, 'auto')
        differences = _compare(backend, module, images[:COMPARED] or [_noise(config)])
        if options.precision == 'float32':
            require_equality(differences)
    return differences


def find_or_export(
    network: Yolact, name: str, precision: str = 'auto', folder: str | Path | None = None
) -> Path:
    """Return a file of a network for a runtime, which is written at its first use.

    Args:
        network: Network in evaluation mode, on the CPU.
        name: Name of the runtime that reads the file.
        precision: Precision of an engine; other files are in float32 and run in what they can.
        folder: Where engines are kept, if not with the other files.

    Raises:
        InputError: The network cannot be exported.
    """
    runtime = RUNTIMES[name]
    if runtime.builder:
        precision = runtime.precisions[0] if precision == 'auto' else precision
        return runtime.find_or_build(network, precision, folder, ())
    path = cache_folder() / 'exported' / f'{model_key(network)}{runtime.suffix}'
    if not path.is_file():
        logger.info('exporting %s for %s to %s, once', network.config.name, name, path)
        export_network(network, path, ExportOptions(name))
    return path


def model_key(network: Yolact) -> str:
    """Return a name for a network that changes with its weights, configuration and our format."""
    facts = [FORMAT, hash_weights(network), network.config.to_mapping()]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return f'{network.config.name}-{digest[:KEY_DIGITS]}'


def read_calibration(folder: Path, config: ModelConfig) -> list[Tensor]:
    """Return images that show what ranges a network's values usually have, (1, 3, S, S) each.

    Args:
        folder: Images of what the robot sees, at any depth; 100 to 300 are enough.
        config: Configuration that gives the size and how to normalize.

    Raises:
        InputError: There is no image in the folder, or one cannot be read.
    """
    preprocess = Preprocessor(config)
    paths = find_images(folder, MOST, 'calibration folder')
    return [preprocess([read_image(path)]).clone() for path in paths]


def find_images(folder: Path, most: int, subject: str = 'folder') -> list[Path]:
    """Return the paths of images spread evenly over those in a folder, at any depth.

    Args:
        folder: Folder to look into.
        most: Largest number of paths to return.
        subject: What the folder is called in the error.

    Raises:
        InputError: There is no image in the folder.
    """
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(f'{subject} must hold images, got none in {str(folder)!r}')
    return paths[:: -(-len(paths) // most)]


def require_equality(differences: Sequence[OutputDifference]) -> None:
    """Refuse a float32 graph that does not compute what the network computes.

    Raises:
        InputError: An output differs by more than the tolerance.
    """
    for difference in differences:
        if not difference.is_equal:
            raise InputError(
                f'exported {difference.output} must agree with PyTorch to {TOLERANCE}, '
                f'got a difference of {difference.largest:.2g}'
            )


@torch.inference_mode()
def _compare(
    backend: ExportedBackend, network: nn.Module, images: Sequence[Tensor]
) -> list[OutputDifference]:
    """Compare all outputs of a backend with those of the network that its file was made of."""
    found = _outputs_of(lambda image: backend.run(image.to(backend.device)), images)
    expected = _outputs_of(network, images)
    return [
        OutputDifference(
            output=name,
            mean=float((ours - theirs).abs().mean()),
            largest=float((ours - theirs).abs().max()),
            magnitude=float(theirs.abs().mean()),
            is_equal=torch.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE),
        )
        for name, ours, theirs in zip(backend.card.outputs, found, expected, strict=True)
    ]


def _outputs_of(
    run: Callable[[Tensor], Iterable[Tensor]], images: Sequence[Tensor]
) -> list[Tensor]:
    per_image = [[output.cpu().clone() for output in run(image)] for image in images]
    return [torch.cat(outputs) for outputs in zip(*per_image, strict=True)]


def _noise(config: ModelConfig) -> Tensor:
    """Return an image of noise, of shape (1, 3, S, S), to compare float32 graphs on."""
    side = config.input_size
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
