"""A network that learns classes beside those that it knows, which it keeps as they are.

Scores that are sigmoids do not depend on each other. So a new head can learn new classes while
all that was learnt before stays frozen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate

import torch
from torch import Tensor, nn

from yolact_core.config import HeadConfig, ModelConfig
from yolact_core.errors import InputError
from yolact_core.network import Yolact, build_network
from yolact_core.network.heads import PredictionHead
from yolact_core.records import check_fields

PRIOR_LOGIT = -4.6  # a score of 0.01: most centres see nothing (RetinaNet, section 4.1)
SLOPE = 0.1


@dataclass(frozen=True)
class ExtensionOptions:
    """How a head for other classes is added to a network whose scores are sigmoids.

    Args:
        channels: Width of the hidden features of the new head.
        data_only: Whether the network gets the classes of the data alone, and forgets others.
        boxes: Whether the new head also corrects boxes, those of known classes included.
        masks: Whether it also corrects mask coefficients.
        relearn: Whether it also learns the classes of the data that are known. Of two opinions
            the higher score counts.
        aliases: Names of a class followed by those of known ones that count as it, such as
            ``[sofa, couch]``. A class counts as the known one of its own name anyway.
    """

    channels: int = 64
    data_only: bool = False
    boxes: bool = False
    masks: bool = False
    relearn: bool = False
    aliases: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        rules = {
            'channels must be at least 1': self.channels >= 1,
            'aliases must each name a class and a known one': all(
                len(names) >= 2 for names in self.aliases
            ),
        }
        check_fields(self, rules)


@torch.no_grad()
def extend_network(
    source: Yolact, data_names: tuple[str, ...], options: ExtensionOptions
) -> Yolact:
    """Return a network with another head; at first it predicts as before.

    The head learns the classes that are not known or, if all are or ``relearn`` says so, those
    of the data.

    Args:
        source: Network to keep.
        data_names: Classes of the data.
        options: What the new head learns.

    Raises:
        InputError: The scores of the network are no sigmoids, or an alias is unknown.
    """
    old = source.config
    if old.scores != 'sigmoid' or old.mask_rescoring:
        raise InputError(
            'extend needs a model whose scores are sigmoids, without mask rescoring, '
            f'got {old.name!r}'
        )
    new_names = tuple(name for name in data_names if name not in old.class_names)
    names = data_names if options.data_only else old.class_names + new_names
    known = {name: _known_outputs(old, name, options) for name in names}
    unknown = tuple(name for name in data_names if not known[name])
    learnt = data_names if options.relearn else unknown or data_names
    kept = sorted({output for outputs in known.values() for output in outputs})
    heads = _keep_outputs(old, kept)
    added = HeadConfig(
        options.channels, old.heads[0].shared, old.heads[0].kernel, SLOPE, len(learnt),
        options.boxes, options.masks,
    )  # fmt: skip
    config = old.replace(
        class_names=names,
        heads=(*(head for head, _ in heads), added),
        class_outputs=tuple(
            tuple(map(kept.index, known[name]))
            + ((len(kept) + learnt.index(name),) if name in learnt else ())
            for name in names
        ),
    )
    network = build_network(config)
    _copy(source, network, [rows for _, rows in heads])
    _silence(network.prediction_layers[-1])
    return network


def _known_outputs(config: ModelConfig, name: str, options: ExtensionOptions) -> tuple[int, ...]:
    """Return the class outputs of a network that count as a class."""
    aliases = {names[0]: names[1:] for names in options.aliases}
    meant = aliases.get(name, (name,) if name in config.class_names else ())
    if unknown := [one for one in meant if one not in config.class_names]:
        raise InputError(f'aliases of {name} must be classes of {config.name}, got {unknown[0]!r}')
    ids = [config.class_names.index(one) for one in meant]
    rows = config.class_outputs or tuple((index,) for index in range(len(config.class_names)))
    return tuple(output for class_id in ids for output in rows[class_id])


def _keep_outputs(config: ModelConfig, kept: list[int]) -> list[tuple[HeadConfig, list[int]]]:
    """Return each head with fewer classes, and which of its class outputs are left."""
    counts = [config.outputs_of(head) for head in config.heads]
    starts = [0, *accumulate(counts)]
    rows = [
        [output - start for output in kept if start <= output < start + count]
        for start, count in zip(starts, counts, strict=False)
    ]
    return [
        (replace(head, classes=len(some)), some)
        for head, some in zip(config.heads, rows, strict=True)
    ]


def _copy(source: Yolact, network: Yolact, rows: list[list[int]]) -> None:
    """Copy all weights that both networks have, of class outputs those that are left."""
    weights: dict[str, Tensor] = {}
    for key, value in source.state_dict().items():
        part, _, rest = key.partition('.')
        if part == 'prediction_layers' and '.conf_layer.' in key:
            head = int(rest.split('.')[0])
            if rows[head]:
                weights[key] = value[rows[head]]
        elif part != 'semantic_seg_conv':
            weights[key] = value
    network.load_state_dict(weights, strict=False)


def _silence(head: nn.Module) -> None:
    """Let a head add nothing to boxes and coefficients, and see nothing."""
    for part in head.modules():
        if isinstance(part, PredictionHead):
            for layer in (part.bbox_layer, part.mask_layer, part.conf_layer):
                if layer is not None:
                    nn.init.zeros_(layer.weight)
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
            if part.conf_layer is not None:
                nn.init.normal_(part.conf_layer.weight, std=0.01)
                nn.init.constant_(part.conf_layer.bias, PRIOR_LOGIT)  # type: ignore[arg-type]
