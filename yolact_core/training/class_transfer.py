"""Classes that a network goes on knowing when it is trained on others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from yolact_core.network.heads import RESCORING_WIDTHS

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.network import Yolact

BY_CLASS = (  # a row for each class
    'semantic_seg_conv.',
    f'maskiou_net.maskiou_net.{2 * len(RESCORING_WIDTHS) - 2}.',
)


@torch.no_grad()
def carry_classes(network: Yolact, source: Yolact) -> tuple[str, ...]:
    """Copy what tells classes that both networks know, and the background, by their names.

    Args:
        network: Changed in place. Of its other classes nothing changes.
        source: With the same priors per cell and feature channels, or nothing is copied.

    Returns:
        Names of the classes that were copied.
    """
    new, old = network.config, source.config
    is_alike = new.feature_channels == old.feature_channels
    if not is_alike or new.anchors.per_cell != old.anchors.per_cell:
        return ()
    shared = tuple(name for name in new.class_names if name in old.class_names)
    rows = [new.class_names.index(name) for name in shared]
    old_rows = [old.class_names.index(name) for name in shared]
    targets, sources = network.state_dict(), source.state_dict()
    for key, target in targets.items():
        if key.startswith('prediction_layers.0.conf_layer.'):
            _by_prior(target, new.anchors.per_cell)[:, [0, *_after_background(rows)]] = _by_prior(
                sources[key], old.anchors.per_cell
            )[:, [0, *_after_background(old_rows)]]
        elif key.startswith(BY_CLASS) and key in sources:
            target[rows] = sources[key][old_rows]
    return shared


def _by_prior(weights: Tensor, per_cell: int) -> Tensor:
    """Return a view of shape (priors per cell, classes with background, ...)."""
    return weights.view(per_cell, -1, *weights.shape[1:])


def _after_background(rows: list[int]) -> list[int]:
    return [row + 1 for row in rows]
