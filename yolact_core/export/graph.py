"""A network as the graph that all formats are written from."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from yolact_core.network import Yolact
from yolact_core.network.boxes import decode_boxes


class DecodedYolact(nn.Module):
    """A network that gives boxes and scores, for programs that know nothing of priors.

    Args:
        network: In evaluation mode.
    """

    def __init__(self, network: Yolact) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predict, and decode.

        Args:
            images: Normalized, shape (B, 3, S, S).

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
        network: A ``Yolact`` or ``DecodedYolact`` in evaluation mode, on the CPU.
        side: Of its square input in pixels.
    """
    images = torch.zeros(2, 3, side, side)  # of one image, tracing would make a constant
    with torch.no_grad():
        return torch.export.export(network, (images,), dynamic_shapes=({0: Dim('batch')},))
