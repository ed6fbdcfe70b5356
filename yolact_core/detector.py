"""Images in, detections out: the one path that node, command line and evaluation share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from yolact_core.detections import Detections
from yolact_core.errors import InputError
from yolact_core.inference.cuda.postprocessing import DevicePostprocessor
from yolact_core.inference.options import DetectorOptions, check_classes
from yolact_core.inference.postprocessing import Postprocessor
from yolact_core.inference.preprocessing import check_image
from yolact_core.network import Prediction, Yolact
from yolact_core.runtimes import Backend
from yolact_core.runtimes.model_loading import load_backend
from yolact_core.runtimes.torch import TorchBackend, resolve_precision
from yolact_core.timing import Clock, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from yolact_core.config import ModelConfig

ID_DIGITS = 12


class Detector:
    """Finds instances in images.

    ``timing`` and ``prototypes``, (B, K, Hp, Wp), are those of the last call.

    Args:
        model: A network in evaluation mode, which runs in PyTorch where its weights are; or a
            backend that runs a model of its own.
        precision: Precision of a network's arithmetic: ``auto``, ``float32``, ``bfloat16`` or
            ``float16``.
        options: The fields of ``DetectorOptions``. ``score_threshold=0`` and otherwise the
            defaults reproduce the original's evaluation.

    Raises:
        InputError: An option is outside its range.
    """

    def __init__(
        self,
        model: Yolact | Backend,
        precision: str = 'auto',
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.timing = Timing()
        self._backend: Backend = (
            TorchBackend(model, resolve_precision(precision, model.priors.device))
            if isinstance(model, Yolact)
            else model
        )
        self.options = DetectorOptions()
        self.configure(**options)
        self.prototypes = torch.empty(0, self.config.prototypes, 0, 0)
        is_cuda = self.device.type == 'cuda'
        self._postprocess = (DevicePostprocessor if is_cuda else Postprocessor)(
            self.config, self._backend.priors, self._backend.rescore
        )

    @classmethod
    def load(
        cls,
        source: str | Path,
        device: str = 'auto',
        backend: str = 'auto',
        precision: str = 'auto',
        config: str | Path | ModelConfig | None = None,
        engine_cache_dir: str | Path | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Detector:
        """Load a model and make a detector of it.

        Args:
            source: A shipped model, an official name such as ``yolact_base`` (fetched once and
                cached), the path of a ``.pth`` or ``.safetensors`` file, or of a file that
                ``yolact export`` wrote: ``.onnx``, ``.xml``, ``.ncnn.param`` or ``.engine``.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            backend: ``auto`` or one of ``yolact_core.runtimes.registry.backend_names()``, such as
                ``torch``; ``auto`` is the fastest of those installed, measured when it first
                runs the model. For one that runs exported files a checkpoint is exported at its
                first use, and the file is kept.
            precision: ``auto``, ``float32``, ``bfloat16``, ``float16`` or ``int8``, as the
                backend has it.
            config: Configuration of a ``.pth`` file that is not named after it: that, its name or
                a YAML file.
            engine_cache_dir: Folder that keeps TensorRT's engines; None means that of fetched
                models.
            options: Fields of ``DetectorOptions``.

        Raises:
            InputError: The model cannot be found or read, a runtime is not installed, or an
                option is outside its range.
        """
        loaded = load_backend(source, device, backend, precision, config, engine_cache_dir)
        return cls(loaded, **options)

    @property
    def config(self) -> ModelConfig:
        """The configuration of the model."""
        return self._backend.config

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class that the model knows."""
        return self.config.class_names

    @property
    def model_id(self) -> str:
        """Configuration and start of the sha256 of the weights: ``<config>@<12 digits>``."""
        return f'{self.config.name}@{self._backend.digest[:ID_DIGITS]}'

    @property
    def backend(self) -> str:
        """Name of the runtime that runs the model, such as ``torch``."""
        return self._backend.name

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return self._backend.device

    @property
    def precision(self) -> str:
        """Precision of the model's arithmetic, such as ``float32``."""
        return self._backend.precision

    @property
    def network(self) -> Yolact:
        """The network, for what needs its weights.

        Raises:
            InputError: The model runs in another runtime than PyTorch.
        """
        if not isinstance(self._backend, TorchBackend):
            raise InputError(f'backend must be torch for its weights, got {self.backend}')
        return self._backend.network

    def configure(self, **options: Any) -> None:  # noqa: ANN401
        """Change some options; the others stay.

        Raises:
            InputError: A value is outside its range, or no class of the model; nothing has changed
                then.
        """
        changed = replace(self.options, **options)
        check_classes(changed.classes, self.class_names)
        self.options = changed

    def __call__(self, rgb: npt.NDArray[np.uint8]) -> Detections:
        """Find the instances in one image.

        Args:
            rgb: Shape (H, W, 3).

        Raises:
            InputError: It is not an image.
        """
        return self.detect_batch([rgb])[0]

    @torch.inference_mode()
    def detect_batch(self, images: Sequence[npt.NDArray[np.uint8]]) -> list[Detections]:
        """Find the instances in several images, of any sizes, in one pass of the network.

        Args:
            images: RGB, each of shape (H, W, 3).

        Raises:
            InputError: One of them is not an image.
        """
        for rgb in images:
            check_image(rgb)
        if not images:
            return []
        clock = Clock(self._backend.device)
        batch = self._backend.prepare(images)
        clock.lap('preprocess')
        predictions = self._backend(batch)
        clock.lap('network')
        self.prototypes = predictions.prototypes
        sizes = [(rgb.shape[0], rgb.shape[1]) for rgb in images]
        found = self._postprocess(predictions, sizes, self.options, clock)
        self.timing = clock.read()
        return found

    @torch.inference_mode()
    def postprocess(self, prediction: Prediction, size: tuple[int, int]) -> Detections:
        """Turn the prediction for one image into detections.

        Args:
            prediction: Prediction for one image, without the batch dimension.
            size: Height and width of the image in pixels.
        """
        batch = Prediction(*(output.unsqueeze(0) for output in prediction))
        return self._postprocess(batch, [size], self.options, Clock(self.device))[0]
