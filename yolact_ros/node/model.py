"""The model that a node runs, and which of its detections are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yolact_core.detections import Detections
from yolact_core.palette import Color, make_palette
from yolact_ros.node.settings import Settings

if TYPE_CHECKING:
    from yolact_core.detector import Detector

WARM_UP_SIZE = (480, 640)  # pixels
BEFORE_FILTER = 200  # detections from which those that are large enough are chosen


@dataclass(frozen=True)
class Model:
    """A detector and what its messages say about it.

    Args:
        detector: Loaded.
        model_id: ``<config>@<12 hexadecimal digits of the weights' sha256>``.
        backend: What runs the network.
        precision: Of its arithmetic.
        palette: Colour of each class.
    """

    detector: Detector
    model_id: str
    backend: str
    precision: str
    palette: tuple[Color, ...]

    @classmethod
    def load(cls, settings: Settings) -> Model:
        """Load the model that the parameters name, and run it once so that it is warm.

        Raises:
            InputError: It cannot be found or read, or does not know a class that is wanted.
        """
        from yolact_core.detector import Detector

        detector = Detector.load(
            settings['model.name'],
            device=settings['model.device'],
            backend=settings['model.backend'],
            precision=settings['model.precision'],
            config=settings['model.config'] or None,
            engine_cache_dir=settings['model.engine_cache_dir'] or None,
            **settings.detector_options,
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
        automatic = len(settings.cameras) if self.device.startswith('cuda') else 1
        return settings['max_batch'] or automatic

    def prototypes(self, position: int) -> npt.NDArray[np.float32]:
        """Return the prototypes of one image of the last batch, shape (K, Hp, Wp)."""
        return np.asarray(self.detector.prototypes[position].cpu().numpy(), dtype=np.float32)

    def find(
        self, images: Sequence[npt.NDArray[np.uint8]], settings: Settings
    ) -> list[Detections]:
        """Find the instances that the parameters ask for.

        Args:
            images: RGB, each of shape (H, W, 3).
            settings: Thresholds and filters.

        Raises:
            InputError: A threshold is outside its range.
        """
        options = settings.detector_options
        if settings['min_area']:
            options['max_detections'] = max(BEFORE_FILTER, options['max_detections'])
        self.detector.configure(**options)
        return [select(found, settings) for found in self.detector.detect_batch(images)]


def select(detections: Detections, settings: Settings) -> Detections:
    """Return the best detections that are large enough."""
    if not settings['min_area']:
        return detections
    (large,) = (detections.masks.areas() >= settings['min_area']).nonzero()
    return detections[large[: settings['max_detections']]]
