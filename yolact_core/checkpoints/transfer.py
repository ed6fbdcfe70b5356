"""Weights of one network in another with other classes, priors or prototypes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from yolact_core.network import Yolact


@dataclass(frozen=True)
class Transfer:
    """What became of the weights of another network, by key.

    Args:
        kept: Weights that were loaded.
        reinitialised: Weights that have another shape in the file or are absent there; they were
            left as they were.
        unused: Weights that only the file has.
    """

    kept: tuple[str, ...]
    reinitialised: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        names = f': {", ".join(self.reinitialised)}' if self.reinitialised else ''
        return (
            f'{len(self.kept)} weights kept, {len(self.reinitialised)} re-initialised{names}; '
            f'{len(self.unused)} in the file not used'
        )


def transfer_weights(network: Yolact, weights: Mapping[str, Tensor]) -> Transfer:
    """Load what fits into a network with other classes, priors or prototypes, for fine-tuning.

    Args:
        network: Network to load into; what does not fit keeps the values that it has there.
        weights: Weights of another network, by key.
    """
    expected = network.state_dict()
    fitting = {
        key: value
        for key, value in weights.items()
        if key in expected and value.shape == expected[key].shape
    }
    network.load_state_dict(fitting, strict=False)
    return Transfer(
        kept=tuple(sorted(fitting)),
        reinitialised=tuple(sorted(set(expected) - set(fitting))),
        unused=tuple(sorted(set(weights) - set(expected))),
    )
