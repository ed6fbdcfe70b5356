"""Whether an exported graph computes what the network computes that it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from yolact_core.errors import InputError
from yolact_core.network.candidates import pick_rows
from yolact_core.runtimes.outputs import PRIOR_IDS

if TYPE_CHECKING:
    from yolact_core.runtimes.exported_backend import ExportedBackend

TOLERANCE = 1e-3  # absolute, and relative to the value
SHARED = 0.99  # of picked priors: where two are equally good, another one may be picked


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
def compare_outputs(
    backend: ExportedBackend, module: nn.Module, whole: nn.Module, images: Sequence[Tensor]
) -> list[OutputDifference]:
    """Compare all outputs of a backend with those of the network that its file was made of.

    Args:
        backend: Backend that runs the file.
        module: What the file was made of.
        whole: The same without a choice among priors.
        images: Images that both take, each of a batch of one.
    """
    names = backend.card.outputs
    found = _outputs_of(lambda image: backend.run(image.to(backend.device)), images)
    expected = _outputs_of(whole, images)
    if PRIOR_IDS not in names:
        return [_compare(*one) for one in zip(names, found, expected, strict=True)]
    *found, prior_ids = found
    expected[:3] = [pick_rows(one, prior_ids) for one in expected[:3]]
    picked = _outputs_of(module, images)[-1]
    return [
        *(_compare(*one) for one in zip(names[:-1], found, expected, strict=True)),
        _compare_choices(prior_ids, picked),
    ]


def _compare(name: str, ours: Tensor, theirs: Tensor) -> OutputDifference:
    return OutputDifference(
        output=name,
        mean=float((ours - theirs).abs().mean()),
        largest=float((ours - theirs).abs().max()),
        magnitude=float(theirs.abs().mean()),
        is_equal=torch.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE),
    )


def _compare_choices(ours: Tensor, theirs: Tensor) -> OutputDifference:
    """Compare what was picked by the share of PyTorch's priors that are not among ours."""
    missing = [
        1 - float(torch.isin(expected, found).float().mean())
        for found, expected in zip(ours, theirs, strict=True)
    ]
    mean, largest = sum(missing) / len(missing), max(missing)
    return OutputDifference(PRIOR_IDS, mean, largest, 1.0, largest <= 1 - SHARED)


def _outputs_of(
    run: Callable[[Tensor], Iterable[Tensor]], images: Sequence[Tensor]
) -> list[Tensor]:
    per_image = [[output.cpu().clone() for output in run(image)] for image in images]
    return [torch.cat(outputs) for outputs in zip(*per_image, strict=True)]
