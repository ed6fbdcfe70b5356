"""Images in, detections out: the one path that node, command line and evaluation share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from yolact_core.backends import Backend, TorchBackend, resolve_device, resolve_precision
from yolact_core.boxes import decode_boxes
from yolact_core.checkpoint import load_network
from yolact_core.detections import Detections
from yolact_core.detector_options import DetectorOptions
from yolact_core.errors import InputError
from yolact_core.masks import assemble_masks, combine_prototypes, crop_masks
from yolact_core.network import Prediction, Yolact
from yolact_core.nms import fast_nms, select_candidates, traditional_nms
from yolact_core.preprocessing import Preprocessor, check_image
from yolact_core.timing import Clock, Timing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from yolact_core.config import ModelConfig


class Detector:
    """Finds instances in images.

    ``timing`` and ``prototypes``, (B, K, Hp, Wp), are those of the last call.

    Args:
        network: In evaluation mode; the detector runs where its weights are.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        options: The fields of ``DetectorOptions``. ``score_threshold=0`` and otherwise the
            defaults reproduce the original's evaluation.

    Raises:
        InputError: An option is outside its range.
    """

    def __init__(self, network: Yolact, precision: str = 'auto', **options: Any) -> None:  # noqa: ANN401
        self.options = DetectorOptions(**options)
        self.timing = Timing()
        self.prototypes: Tensor | None = None
        self._network = network
        self._backend: Backend = TorchBackend(network, resolve_precision(precision))
        self._preprocess = Preprocessor(network, self._backend.device)

    @classmethod
    def load(
        cls,
        source: str | Path,
        device: str = 'auto',
        backend: str = 'auto',
        precision: str = 'auto',
        config: str | Path | ModelConfig | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Detector:
        """Load a model and make a detector of it.

        Args:
            source: A shipped model, an official name such as ``yolact_base`` (fetched once and
                cached), or the path of a ``.pth`` or ``.safetensors`` file.
            device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
            backend: ``auto`` or ``torch``.
            precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
            config: For a ``.pth`` file with its own configuration: that, its name or a YAML file.
            options: The fields of ``DetectorOptions``.

        Raises:
            InputError: The model cannot be found or read, or an option is outside its range.
        """
        if backend not in ('auto', 'torch'):
            raise InputError(f'backend must be auto or torch, got {backend!r}')
        where = resolve_device(device)
        return cls(load_network(source, config).to(where), precision, **options)

    @property
    def config(self) -> ModelConfig:
        """The configuration of the network."""
        return self._network.config

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class that the network knows."""
        return self.config.class_names

    @property
    def network(self) -> Yolact:
        """The network."""
        return self._network

    def configure(self, **options: Any) -> None:  # noqa: ANN401
        """Change some options; the others stay.

        Raises:
            InputError: A value is outside its range; nothing has changed then.
        """
        self.options = replace(self.options, **options)

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
        batch = self._preprocess(images)
        clock.lap('preprocess')
        predictions = self._backend(batch)
        clock.lap('network')
        self.prototypes = predictions.prototypes
        found = [
            self._postprocess(Prediction(*prediction), (rgb.shape[0], rgb.shape[1]), clock)
            for rgb, prediction in zip(images, zip(*predictions, strict=True), strict=True)
        ]
        self.timing = Timing(**clock.seconds)
        return found

    @torch.inference_mode()
    def postprocess(self, prediction: Prediction, size: tuple[int, int]) -> Detections:
        """Turn the prediction for one image into detections.

        Args:
            prediction: Of one image, without the batch dimension.
            size: Height and width of the image in pixels.
        """
        return self._postprocess(prediction, size, Clock(self._backend.device))

    def _postprocess(
        self, prediction: Prediction, size: tuple[int, int], clock: Clock
    ) -> Detections:
        boxes, scores, class_ids, coefficients = self._suppress(prediction)
        clock.lap('nms')
        mask_scores = scores
        if self.config.mask_rescoring:
            mask_scores = scores * self._mask_quality(prediction, coefficients, boxes, class_ids)
        masks = assemble_masks(prediction.prototypes, coefficients, boxes, size)
        detections = Detections(
            boxes=_to_pixels(boxes, size).cpu().numpy(),
            scores=scores.cpu().numpy(),
            mask_scores=mask_scores.cpu().numpy(),
            class_ids=class_ids.cpu().numpy(),
            coefficients=coefficients.cpu().numpy(),
            masks=masks,
            all_class_names=self.class_names,
        )
        clock.lap('masks')
        return detections

    def _suppress(self, prediction: Prediction) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (fractions), scores, class ids and coefficients of what stays."""
        options = self.options
        candidates, scores = select_candidates(
            prediction.class_logits, options.candidate_threshold
        )
        boxes = decode_boxes(prediction.box_offsets[candidates], self._network.priors[candidates])
        ranked_scores, best_class = scores, None
        if options.class_agnostic:
            ranked_scores, best_class = _best_of(scores)
        if options.nms == 'fast':
            kept, class_ids = fast_nms(
                boxes,
                ranked_scores,
                options.iou_threshold,
                options.top_k,
                options.score_threshold,
                options.max_detections,
            )
        else:
            kept, class_ids = traditional_nms(
                boxes * self.config.input_size,
                ranked_scores,
                options.iou_threshold,
                max(options.candidate_threshold, options.score_threshold),
                options.max_detections,
            )
        if best_class is not None:
            class_ids = best_class[kept]
        return (
            boxes[kept],
            scores[kept, class_ids],
            class_ids,
            prediction.coefficients[candidates[kept]],
        )

    def _mask_quality(
        self, prediction: Prediction, coefficients: Tensor, boxes: Tensor, class_ids: Tensor
    ) -> Tensor:
        """Return the predicted mask IoU of each instance for its class (YOLACT++, section 6.1)."""
        soft = combine_prototypes(prediction.prototypes, coefficients).sigmoid()
        quality = self._network.rescore(crop_masks(soft, boxes))
        return quality.gather(1, class_ids.unsqueeze(1)).squeeze(1)


def _best_of(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best score of each box, shape (N, 1), and its class, shape (N,)."""
    best_scores, best_class = scores.max(dim=1, keepdim=True)
    return best_scores, best_class.squeeze(1)


def _to_pixels(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale boxes from fractions to pixels and clip them to the image."""
    height, width = size
    limits = boxes.new_tensor([width, height, width, height])
    return (boxes * limits).clamp(min=torch.zeros_like(limits), max=limits)
