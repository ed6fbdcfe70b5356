"""Variants that are loaded and ready to be measured."""

from __future__ import annotations

import logging
import time
from collections.abc import Sized
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch

from yolact_core.benchmark.measuring import MemoryMeter
from yolact_core.benchmark.references import SHORTER_SIDE, MaskRcnn, PlainBackend, PlainDetector
from yolact_core.benchmark.variants import CANDIDATES, INSTANCES, Variant
from yolact_core.benchmark.workload import Image, SceneBackend, Workload
from yolact_core.checkpoints.checkpoint import load_network
from yolact_core.detector import Detector
from yolact_core.inference.options import DetectorOptions
from yolact_core.media.image_files import write_image
from yolact_core.runtimes import Backend
from yolact_core.runtimes.model_loading import load_backend
from yolact_core.runtimes.table import RUNTIMES
from yolact_core.timing import Timing

WARM_UP = 3  # images
TOTAL = 'total'
logger = logging.getLogger(__name__)


class Finder(Protocol):
    """Finds instances in an image, and knows how long that took."""

    @property
    def timing(self) -> Timing:
        """Seconds of the last call by stage."""
        ...

    def __call__(self, rgb: Image, /) -> Sized:
        """Return as many things as there are instances."""
        ...


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
        calibration: Folder of images for int8; None: those of the workload, which are enough to
            measure its speed.
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
        if variant.runner.startswith('mask_rcnn'):
            return self._mask_rcnn(variant.runner), None, 'maskrcnn_resnet50_fpn'
        backend = self._with_scene(self._backend(variant))
        detector = Detector(backend)
        if variant.runner == 'plain':
            return PlainDetector(backend, DetectorOptions()), backend, detector.model_id
        return detector, backend, detector.model_id

    def _mask_rcnn(self, name: str) -> MaskRcnn:
        return MaskRcnn(
            self.device,
            self.workload.images[0],
            self.workload.candidates or CANDIDATES,
            self.workload.instances or INSTANCES,
            int(name.removeprefix('mask_rcnn').strip('_') or SHORTER_SIDE),
        )

    def _backend(self, variant: Variant) -> Backend:
        device = str(self.device)
        if variant.runner == 'plain':
            return PlainBackend(load_network(variant.model), self.device)
        if variant.precision == 'int8' and variant.runner in RUNTIMES:
            file = self._quantise(variant)
            return load_backend(file, device, variant.runner, variant.precision)
        return load_backend(variant.model, device, variant.runner, variant.precision)

    def _with_scene(self, backend: Backend) -> Backend:
        if self.workload.candidates is None or self.workload.instances is None:
            return backend
        return SceneBackend(backend, self.workload.candidates, self.workload.instances)

    def _quantise(self, variant: Variant) -> Path:
        from yolact_core.runtimes.export import ExportOptions, export_network

        network = load_network(variant.model)
        suffix = RUNTIMES[variant.runner].suffix
        path = self.folder / f'{network.config.name}-{variant.runner}-int8{suffix}'
        if not path.is_file():
            folder = self.calibration or self._write_images()
            logger.info('exporting %s to int8', network.config.name)
            export_network(network, path, ExportOptions(variant.runner, 'int8', folder))
        return path

    def _write_images(self) -> Path:
        folder = self.folder / 'images'
        for number, image in enumerate(self.workload.images):
            write_image(folder / f'{number}.png', image)
        return folder


def name_of(subject: Subject, are_models_named: bool) -> str:
    """Return the name of a subject in tables."""
    variant = subject.variant
    if variant.is_reference:
        return variant.runner
    name = f'{subject.backend} {subject.precision}'
    if variant.runner == 'auto':
        name = f'auto: {name}'
    return f'{Path(variant.model).stem} {name}' if are_models_named else name
