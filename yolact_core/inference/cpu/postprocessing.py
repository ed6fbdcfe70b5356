"""From raw predictions to detections: candidates, NMS, masks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from yolact_core.detections import Detections
from yolact_core.inference.cpu.nms import fast_nms, select_candidates, traditional_nms
from yolact_core.inference.options import DetectorOptions
from yolact_core.masks.assembly import assemble_masks, combine_prototypes, crop_masks
from yolact_core.network import Prediction
from yolact_core.network.boxes import decode_boxes
from yolact_core.runtimes.backend import Backend
from yolact_core.threads import single_thread
from yolact_core.timing import Clock


class Postprocessor:
    """Turns predictions into detections, with arrays as large as there are candidates.

    Args:
        backend: Whose predictions they are.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __call__(
        self,
        predictions: Prediction,
        sizes: Sequence[tuple[int, int]],
        options: DetectorOptions,
        clock: Clock,
    ) -> list[Detections]:
        """Return the detections of each image.

        Args:
            predictions: Of a batch.
            sizes: Height and width of each image in pixels.
            options: What counts as a detection.
            clock: Is told when NMS and masks are done.
        """
        return [
            self.detect(Prediction(*prediction), size, options, clock)
            for size, prediction in zip(sizes, zip(*predictions, strict=True), strict=True)
        ]

    def detect(
        self,
        prediction: Prediction,
        size: tuple[int, int],
        options: DetectorOptions,
        clock: Clock,
    ) -> Detections:
        """Return the detections of one image.

        Args:
            prediction: Of that image, without the batch dimension.
            size: Its height and width in pixels.
            options: What counts as a detection.
            clock: Is told when NMS and masks are done.
        """
        boxes, scores, class_ids, coefficients = self._suppress(prediction, options)
        clock.lap('nms')
        mask_scores = scores
        if self._backend.config.mask_rescoring:
            mask_scores = scores * self._mask_quality(prediction, coefficients, boxes, class_ids)
        masks = assemble_masks(prediction.prototypes, coefficients, boxes, size)
        detections = Detections(
            boxes=_to_pixels(boxes, size).cpu().numpy(),
            scores=scores.cpu().numpy(),
            mask_scores=mask_scores.cpu().numpy(),
            class_ids=class_ids.cpu().numpy(),
            coefficients=coefficients.cpu().numpy(),
            masks=masks,
            all_class_names=self._backend.config.class_names,
        )
        clock.lap('masks')
        return detections

    @single_thread()
    def _suppress(
        self, prediction: Prediction, options: DetectorOptions
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (fractions), scores, class ids and coefficients of what stays."""
        # Boxes that score too little to be returned drop none that are.
        threshold = max(options.candidate_threshold, options.score_threshold)
        factors = wanted_classes(self._backend, options) if options.classes else None
        candidates, scores = select_candidates(prediction.class_logits, threshold, factors)
        boxes = decode_boxes(prediction.box_offsets[candidates], self._backend.priors[candidates])
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
                boxes * self._backend.config.input_size,
                ranked_scores,
                options.iou_threshold,
                threshold,
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
        quality = self._backend.rescore(crop_masks(soft, boxes))
        return quality.gather(1, class_ids.unsqueeze(1)).squeeze(1)


def wanted_classes(backend: Backend, options: DetectorOptions) -> Tensor:
    """Return what scores are multiplied by: 1 for classes that are looked for, else 0.

    Args:
        backend: Whose classes they are.
        options: Which of them are looked for.

    Returns:
        Beside the predictions, shape (C,).
    """
    names, looked_for = backend.config.class_names, set(options.classes)
    factors = [float(not looked_for or name in looked_for) for name in names]
    return torch.tensor(factors, device=backend.device)


def _best_of(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the best score of each box, shape (N, 1), and its class, shape (N,)."""
    best_scores, best_class = scores.max(dim=1, keepdim=True)
    return best_scores, best_class.squeeze(1)


def _to_pixels(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale boxes from fractions to pixels and clip them to the image."""
    height, width = size
    limits = boxes.new_tensor([width, height, width, height])
    return (boxes * limits).clamp(min=torch.zeros_like(limits), max=limits)
