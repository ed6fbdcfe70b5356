"""What is measured side by side: models, runtimes and precisions, and what they compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolact_core.errors import InputError
from yolact_core.runtimes.table import RUNTIMES, backend_names, runtime_of_file

REFERENCES = {
    'plain': "our network in eager float32, with the original's algorithms as they stand there",
    'mask_rcnn': "torchvision's Mask R-CNN R50-FPN, images scaled to 800 pixels as it has it",
    'mask_rcnn_550': 'the same, images scaled to 550 pixels',
}
ALL = 'all'


@dataclass(frozen=True)
class Variant:
    """One thing that is measured.

    Args:
        model: Name or path.
        runner: A backend, or one of ``REFERENCES``.
        precision: That is asked for.
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
        models: Names and paths. An exported file is one variant: it has a runtime and a precision.
        backends: Names; ``all`` stands for those installed that run on the device.
        precisions: Each is asked of each backend.
        references: Of ``REFERENCES``.
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
