"""The model that a node runs, and which of its detections are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.palette import Color, make_palette
from yolact_ros.node.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from yolact_core.detector import Detector
    from yolact_core.timing import Timing

WARM_UP_SIZE = (480, 640)  # pixels
BEFORE_FILTER = 200  # detections from which those that are large enough are chosen


@dataclass(frozen=True)
class Found:
    """What the model found in one image.

    Args:
        detections: Instances in the image, best score first.
        prototypes: Prototypes of their masks, shape (K, Hp, Wp), on the model's device; its next
            pass may overwrite them.
        timing: Time that each stage of the detector took for the whole batch.
    """

    detections: Detections
    prototypes: Tensor
    timing: Timing


@dataclass(frozen=True)
class Model:
    """A detector and what its messages say about it.

    Args:
        detector: Detector that finds the instances.
        model_id: ``<config>@<12 hexadecimal digits of the weights' sha256>``.
        backend: Runtime of the network.
        precision: Precision of its arithmetic.
        palette: Colour of each class.
    """

    detector: Detector
    model_id: str
    backend: str
    precision: str
    palette: tuple[Color, ...]

    @classmethod
    def load(cls, settings: Settings) -> Model:
        """Load the model that the settings name, and run it once so that it is warm.

        Raises:
            InputError: It cannot be found or read, or does not know a class that is wanted.
        """
        from yolact_core.detector import Detector

        chosen = settings.model
        detector = Detector.load(
            chosen.name,
            device=chosen.device,
            backend=chosen.backend,
            precision=chosen.precision,
            config=chosen.config or None,
            engine_cache_dir=chosen.engine_cache_dir or None,
            **vars(settings.detector_options),
        )
        detector(np.zeros((*WARM_UP_SIZE, 3), dtype=np.uint8))
        return cls(
            detector=detector,
            model_id=detector.model_id,
            backend=detector.backend,
            precision=detector.precision,
            palette=make_palette(len(detector.class_names)),
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class that it knows."""
        return self.detector.class_names

    @property
    def device(self) -> str:
        """Where the network runs, such as ``cuda:0``."""
        return str(self.detector.device)

    @property
    def runs_on_cpu(self) -> bool:
        """Whether the network needs the cores that read images. TensorRT never does."""
        return self.device == 'cpu' and self.backend != 'tensorrt'

    def batch_size(self, settings: Settings) -> int:
        """Return how many images may share one pass of the network."""
        automatic = len(settings.camera_names) if self.device.startswith('cuda') else 1
        return settings.max_batch or automatic

    def find(self, images: Sequence[npt.NDArray[np.uint8]], settings: Settings) -> list[Found]:
        """Find the instances that the settings ask for.

        Args:
            images: RGB images, each of shape (H, W, 3).
            settings: Settings with thresholds and filters.

        Raises:
            InputError: A threshold is outside its range.
        """
        options = settings.detector_options
        if settings.min_area:
            most = max(BEFORE_FILTER, options.max_detections)
            options = replace(options, max_detections=most)
        self.detector.configure(**vars(options))
        batch = self.detector.detect_batch(images)
        prototypes, timing = self.detector.prototypes, self.detector.timing
        return [
            Found(select(detections, settings), prototypes[position], timing)
            for position, detections in enumerate(batch)
        ]


def select(detections: Detections, settings: Settings) -> Detections:
    """Return the best detections that are large enough."""
    if not settings.min_area:
        return detections
    (large,) = (detections.masks.areas() >= settings.min_area).nonzero()
    return detections[large[: settings.max_detections]]
