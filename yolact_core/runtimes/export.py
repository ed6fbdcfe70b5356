"""From a network to a graph, and to a file that another runtime reads and that was checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.errors import InputError, package_needed
from yolact_core.files import replace_together
from yolact_core.inference.preprocessing import BytePreprocessor, Normalizer
from yolact_core.media.image_files import find_images, read_image
from yolact_core.network import Yolact
from yolact_core.network.boxes import decode_boxes
from yolact_core.network.merging import merge_heads
from yolact_core.network.scores import class_scores
from yolact_core.runtimes.exported_backend import ExportedBackend, ModelCard
from yolact_core.runtimes.registry import RUNTIMES

if TYPE_CHECKING:
    from yolact_core.config import ModelConfig

MOST = 300  # calibration images, evenly from the folder: more change little
COMPARED = 8  # calibration images
TOLERANCE = 1e-3  # absolute, and relative to the value
INPUT = 'images'


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


class DecodedYolact(nn.Module):
    """A network that gives boxes and scores, for programs that know nothing of priors.

    Args:
        network: Network in evaluation mode.
    """

    def __init__(self, network: Yolact) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predict, and decode.

        Args:
            images: Normalized images, shape (B, 3, S, S).

        Returns:
            Corners as fractions of the image, not clipped, shape (B, A, 4); scores without the
            background, shape (B, A, C); coefficients and prototypes as they are.
        """
        prediction, config = self.network(images), self.network.config
        return (
            decode_boxes(prediction.box_offsets, self.network.priors, config.box_coding),
            class_scores(prediction.class_logits, config.scores),
            prediction.coefficients,
            prediction.prototypes,
        )


def trace_network(network: nn.Module, image: Tensor) -> ExportedProgram:
    """Return the graph of a network for any number of images of the shape and type of one."""
    images = torch.stack([image, image])  # of a single one, tracing would make a constant
    with torch.no_grad():
        return torch.export.export(
            merge_heads(network), (images,), dynamic_shapes=({0: Dim('batch')},)
        )


def write_onnx(network: nn.Module, card: ModelCard, path: Path) -> None:
    """Write a network to an ONNX file that takes any number of images, as bytes.

    Args:
        network: ``Yolact`` or ``DecodedYolact`` in evaluation mode, on the CPU.
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
        from_bytes = nn.Sequential(Normalizer(config), module)
        differences = _compare(backend, from_bytes, images[:COMPARED] or [_noise(config)])
        if options.precision == 'float32':
            require_equality(differences)
    return differences


def read_calibration(folder: Path, config: ModelConfig) -> list[Tensor]:
    """Return images that show what ranges a network's values usually have, (1, S, S, 3) each.

    Args:
        folder: Images of what the robot sees, at any depth; 100 to 300 are enough.
        config: Configuration that gives the size.

    Raises:
        InputError: There is no image in the folder, or one cannot be read.
    """
    preprocess = BytePreprocessor(config)
    paths = find_images(folder, MOST, 'calibration folder')
    return [preprocess([read_image(path)]).clone() for path in paths]


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
    """Return an image of noise, bytes of shape (1, S, S, 3), to compare float32 graphs on."""
    shape = (1, config.input_size, config.input_size, 3)
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)
