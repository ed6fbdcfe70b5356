"""What is measured side by side: models, runtimes and precisions, and what they compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.runtimes.table import RUNTIMES, backend_names, runtime_of_file

REFERENCES = ('plain', 'mask_rcnn', 'mask_rcnn_550')
CANDIDATES, INSTANCES = 300, 15  # as a street or a kitchen has
ALL = 'all'


@dataclass(frozen=True)
class Variant:
    """One thing that is measured.

    Args:
        model: Name of a model, or path of a file.
        runner: Name of a backend, or one of ``REFERENCES``.
        precision: Precision that is asked for.
    """

    model: str
    runner: str
    precision: str = 'auto'

    def __str__(self) -> str:
        if self.is_reference:
            return self.runner
        return f'{Path(self.model).stem} {self.runner} {self.precision}'

    @property
    def is_reference(self) -> bool:
        """Whether it is no backend of ours."""
        return self.runner in REFERENCES


def plan_variants(
    models: Sequence[str],
    backends: Sequence[str],
    precisions: Sequence[str],
    references: Sequence[str],
    device_type: str,
) -> list[Variant]:
    """Return all that is to be measured, references first.

    Args:
        models: Names and paths of models. An exported file is one variant: it has a runtime and a
            precision.
        backends: Names of backends; ``all`` stands for those installed that run on the device.
        precisions: Precisions to ask each backend for.
        references: Some of ``REFERENCES``.
        device_type: ``cpu`` or ``cuda``.

    Raises:
        InputError: A name is unknown, or a backend that is named is not installed.
    """
    for reference in references:
        if reference not in REFERENCES:
            raise InputError(
                f'reference must be one of {", ".join(REFERENCES)}, got {reference!r}'
            )
    names = list(dict.fromkeys(_expand(backends, device_type)))
    planned = [Variant(_checkpoint_of(models, name), name) for name in references]
    for model in models:
        if (runtime := runtime_of_file(Path(model))) is not None:
            planned.append(Variant(model, runtime.name))
        else:
            planned += [Variant(model, name, one) for name in names for one in precisions]
    return planned


def _expand(backends: Sequence[str], device_type: str) -> Iterator[str]:
    for name in backends:
        known = (ALL, 'auto', *backend_names())
        if name not in known:
            raise InputError(f'backend must be one of {", ".join(known)}, got {name!r}')
        if name in RUNTIMES:
            RUNTIMES[name].require()
        if name != ALL:
            yield name
            continue
        yield 'torch'
        for runtime in RUNTIMES.values():
            if runtime.is_installed and device_type in runtime.devices:
                yield runtime.name


def _checkpoint_of(models: Sequence[str], reference: str) -> str:
    if reference != 'plain':
        return 'torchvision'
    for model in models:
        if runtime_of_file(Path(model)) is None:
            return model
    raise InputError(
        f'reference plain must have weights: name a checkpoint too, got {", ".join(models)}'
    )
