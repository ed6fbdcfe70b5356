"""A network as the graph that all formats are written from, and as the ONNX that most read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from yolact_core.errors import package_needed
from yolact_core.network import Yolact
from yolact_core.network.boxes import decode_boxes
from yolact_core.runtimes.exported import ModelCard

if TYPE_CHECKING:
    from pathlib import Path

INPUT = 'images'


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
        prediction = self.network(images)
        return (
            decode_boxes(prediction.box_offsets, self.network.priors),
            prediction.class_logits.softmax(dim=-1)[..., 1:],
            prediction.coefficients,
            prediction.prototypes,
        )


def trace_network(network: nn.Module, side: int) -> ExportedProgram:
    """Return the graph of a network for any number of images.

    Args:
        network: ``Yolact`` or ``DecodedYolact`` in evaluation mode, on the CPU.
        side: Side of its square input in pixels.
    """
    images = torch.zeros(2, 3, side, side)  # of one image, tracing would make a constant
    with torch.no_grad():
        return torch.export.export(network, (images,), dynamic_shapes=({0: Dim('batch')},))


def write_onnx(network: nn.Module, card: ModelCard, path: Path) -> None:
    """Write a network to an ONNX file for any number of images.

    Args:
        network: ``Yolact`` or ``DecodedYolact`` in evaluation mode, on the CPU.
        card: What makes a full model of the graph; it goes into the metadata.
        path: ONNX file to write.

    Raises:
        InputError: What PyTorch needs to write ONNX is not installed.
    """
    with package_needed('onnxscript', 'onnx', 'to write ONNX'):
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    written = torch.onnx.export(
        trace_network(network, card.config.input_size),
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
