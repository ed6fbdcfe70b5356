"""What is measured side by side: models, runtimes and precisions, and what they compare with."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from yolact_core.benchmark import CANDIDATES, INSTANCES
from yolact_core.benchmark.measuring import MemoryMeter
from yolact_core.benchmark.references import SHORTER_SIDE, MaskRcnn, PlainBackend, PlainDetector
from yolact_core.benchmark.workload import Image, SceneBackend, Workload
from yolact_core.checkpoints.checkpoint import load_network
from yolact_core.detector import Detector
from yolact_core.errors import InputError
from yolact_core.inference.options import DetectorOptions
from yolact_core.media.image_files import write_image
from yolact_core.runtimes import Backend
from yolact_core.runtimes.export import ExportOptions, export_network
from yolact_core.runtimes.model_loading import load_backend
from yolact_core.runtimes.registry import RUNTIMES, backend_names, runtime_of_file

REFERENCES = ('plain', 'mask_rcnn', 'mask_rcnn_550')
ALL = 'all'
WARM_UP = 3  # images
TOTAL = 'total'
Finder = Detector | PlainDetector | MaskRcnn
logger = logging.getLogger(__name__)


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


@dataclass(frozen=True)
class Measurement:
    """What one image took.

    Args:
        seconds: Seconds by stage; ``total`` is from image to instances with masks.
        processor: Seconds that all threads together worked, or waited without sleeping.
        instances: Number of instances that were found.
    """

    seconds: dict[str, float]
    processor: float
    instances: int


@dataclass(frozen=True)
class Subject:
    """A variant that is loaded.

    Args:
        variant: Variant that was asked for.
        backend: Name of the backend that runs it.
        precision: Precision of the arithmetic.
        model_id: Identity of configuration and weights.
        find: Detector that does the work.
        host_bytes: Peak memory that it took to detect, above the level before it was loaded.
        device_bytes: The same for the memory of a GPU.
    """

    variant: Variant
    backend: str
    precision: str
    model_id: str
    find: Finder
    host_bytes: int | None
    device_bytes: int | None

    def name(self, are_models_named: bool) -> str:
        """Return its name in tables."""
        if self.variant.is_reference:
            return self.variant.runner
        name = f'{self.backend} {self.precision}'
        if self.variant.runner == 'auto':
            name = f'auto: {name}'
        return f'{Path(self.variant.model).stem} {name}' if are_models_named else name

    def measure(self, image: Image) -> Measurement:
        """Detect once."""
        start, start_of_threads = time.perf_counter(), time.process_time()
        found = self.find(image)
        total = time.perf_counter() - start
        processor = time.process_time() - start_of_threads
        seconds = {} if isinstance(self.find, MaskRcnn) else asdict(self.find.timing)
        seconds[TOTAL] = total
        return Measurement(seconds, processor, len(found))


@dataclass(frozen=True)
class Opener:
    """Loads variants.

    Args:
        workload: Work that they are loaded for.
        device: Device that they run on.
        folder: Folder for files that are of no use afterwards.
        calibration: Folder of images for int8; None: the ranges of the checkpoint hold, or images
            of the workload, which are enough to measure its speed.
    """

    workload: Workload
    device: torch.device
    folder: Path
    calibration: Path | None = None

    def open(self, variant: Variant) -> Subject:
        """Load a variant and let it warm up.

        Raises:
            InputError: The model cannot be loaded, or its runtime lacks the precision.
        """
        meter = MemoryMeter(self.device)
        find, backend, model_id = self._load(variant)
        meter.forget_peak()
        for number in range(WARM_UP):
            find(self.workload.images[number % len(self.workload.images)])
        return Subject(
            variant,
            backend.name if backend else variant.runner,
            backend.precision if backend else 'float32',
            model_id,
            find,
            meter.host_bytes(),
            meter.device_bytes(),
        )

    def _load(self, variant: Variant) -> tuple[Finder, Backend | None, str]:
        candidates, instances = self.workload.candidates, self.workload.instances
        if variant.runner.startswith('mask_rcnn'):
            side = int(variant.runner.removeprefix('mask_rcnn').strip('_') or SHORTER_SIDE)
            found = candidates or CANDIDATES, instances or INSTANCES
            reference = MaskRcnn(self.device, self.workload.images[0], *found, side)
            return reference, None, 'maskrcnn_resnet50_fpn'
        backend = self._backend(variant)
        if candidates is not None and instances is not None:
            backend = SceneBackend(backend, candidates, instances)
        detector = Detector(backend)
        if variant.runner == 'plain':
            return PlainDetector(backend, DetectorOptions()), backend, detector.model_id
        return detector, backend, detector.model_id

    def _backend(self, variant: Variant) -> Backend:
        if variant.runner == 'plain':
            return PlainBackend(load_network(variant.model), self.device)
        is_quantised = variant.precision == 'int8' and variant.runner in RUNTIMES
        source = self._quantise(variant) if is_quantised else variant.model
        return load_backend(source, str(self.device), variant.runner, variant.precision)

    def _quantise(self, variant: Variant) -> str | Path:
        network = load_network(variant.model)
        if network.ranges and self.calibration is None:
            return variant.model
        suffix = RUNTIMES[variant.runner].suffix
        path = self.folder / f'{network.config.name}-{variant.runner}-int8{suffix}'
        if not path.is_file():
            folder = self.calibration or self.folder / 'images'
            if self.calibration is None:
                for number, image in enumerate(self.workload.images):
                    write_image(folder / f'{number}.png', image)
            logger.info('exporting %s to int8', network.config.name)
            export_network(network, path, ExportOptions(variant.runner, 'int8', folder))
        return path
