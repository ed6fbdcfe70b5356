"""How far an exported graph is from the network that it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from yolact_core.errors import InputError
from yolact_core.runtimes.exported import ExportedBackend

TOLERANCE = 1e-3  # absolute, and relative to the value


@dataclass(frozen=True)
class Difference:
    """How far one output is from PyTorch's in float32.

    Args:
        output: Its name.
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


@torch.inference_mode()
def compare(
    backend: ExportedBackend, network: nn.Module, images: Sequence[Tensor]
) -> list[Difference]:
    """Compare all outputs of a backend with those of the network.

    Args:
        backend: Runs the exported graph.
        network: What it was made of, on the CPU.
        images: Normalized, each of shape (1, 3, S, S).
    """
    found = _outputs_of(lambda image: backend.run(image.to(backend.device)), images)
    expected = _outputs_of(network, images)
    return [
        Difference(
            output=name,
            mean=float((ours - theirs).abs().mean()),
            largest=float((ours - theirs).abs().max()),
            magnitude=float(theirs.abs().mean()),
            is_equal=torch.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE),
        )
        for name, ours, theirs in zip(backend.card.outputs, found, expected, strict=True)
    ]


def require_equality(differences: Sequence[Difference]) -> None:
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


def _outputs_of(
    run: Callable[[Tensor], Iterable[Tensor]], images: Sequence[Tensor]
) -> list[Tensor]:
    per_image = [[output.cpu().clone() for output in run(image)] for image in images]
    return [torch.cat(outputs) for outputs in zip(*per_image, strict=True)]
