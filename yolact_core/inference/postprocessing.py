"""From raw predictions to detections: candidates, NMS, masks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from yolact_core.config import ModelConfig
from yolact_core.detections import Detections
from yolact_core.inference.nms import (
    class_factors,
    fast_nms,
    select_candidates,
    traditional_nms,
)
from yolact_core.inference.options import DetectorOptions
from yolact_core.masks.assembly import assemble_masks, soft_masks_in_boxes
from yolact_core.network import Prediction
from yolact_core.network.boxes import decode_boxes
from yolact_core.network.candidates import Candidates
from yolact_core.network.scores import may_score
from yolact_core.threads import single_thread
from yolact_core.timing import Clock

logger = logging.getLogger(__name__)


class Postprocessor:
    """Turns predictions into detections, with arrays as large as there are candidates.

    Args:
        config: Configuration of the network.
        priors: Priors in centre form, on the device of the predictions, shape (A, 4).
        rescore: Mask rescoring of the network; called only if ``config.mask_rescoring``.
    """

    def __init__(
        self, config: ModelConfig, priors: Tensor, rescore: Callable[[Tensor], Tensor]
    ) -> None:
        self._config = config
        self._priors = priors
        self._rescore = rescore
        self._has_warned = False

    def __call__(
        self,
        predictions: Prediction | Candidates,
        sizes: Sequence[tuple[int, int]],
        options: DetectorOptions,
        clock: Clock,
    ) -> list[Detections]:
        """Return the detections of each image.

        Args:
            predictions: Predictions for a batch of images.
            sizes: Height and width of each image in pixels.
            options: What counts as a detection.
            clock: Clock that takes the times of NMS and masks.
        """
        return [
            self.detect(type(predictions)(*prediction), size, options, clock)
            for size, prediction in zip(sizes, zip(*predictions, strict=True), strict=True)
        ]

    def detect(
        self,
        prediction: Prediction | Candidates,
        size: tuple[int, int],
        options: DetectorOptions,
        clock: Clock,
    ) -> Detections:
        """Return the detections of one image.

        Args:
            prediction: Prediction for that image, without the batch dimension.
            size: Height and width of the image in pixels.
            options: What counts as a detection.
            clock: Clock that takes the times of NMS and masks.
        """
        boxes, scores, class_ids, coefficients = self._suppress(prediction, options)
        clock.lap('nms')
        mask_scores = scores
        if self._config.mask_rescoring:
            soft_masks = soft_masks_in_boxes(prediction.prototypes, coefficients, boxes)
            mask_scores = scores * self._mask_quality(soft_masks, class_ids)
        masks = assemble_masks(prediction.prototypes, coefficients, boxes, size)
        detections = Detections(
            boxes=_to_pixels(boxes, size).cpu().numpy(),
            scores=scores.cpu().numpy(),
            mask_scores=mask_scores.cpu().numpy(),
            class_ids=class_ids.cpu().numpy(),
            coefficients=coefficients.cpu().numpy(),
            masks=masks,
            all_class_names=self._config.class_names,
        )
        clock.lap('masks')
        return detections

    @single_thread()
    def _suppress(
        self, prediction: Prediction | Candidates, options: DetectorOptions
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (fractions), scores, class ids and coefficients of what stays."""
        threshold = options.least_score
        factors = self._class_factors(options.classes) if options.classes else None
        self._tell_what_is_lost(prediction.class_logits, threshold)
        candidates, scores = select_candidates(
            prediction.class_logits, threshold, factors, self._config.scores
        )
        priors = prediction.pick_priors(self._priors)
        boxes = decode_boxes(
            prediction.box_offsets[candidates], priors[candidates], self._config.box_coding
        )
        ranked_scores, best_class = scores, None
        if options.class_agnostic:
            ranked_scores, best_class = scores.max(dim=1, keepdim=True)
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
                boxes * self._config.input_size,
                ranked_scores,
                options.iou_threshold,
                threshold,
                options.max_detections,
            )
        if best_class is not None:
            class_ids = best_class[kept, 0]
        return (
            boxes[kept],
            scores[kept, class_ids],
            class_ids,
            prediction.coefficients[candidates[kept]],
        )

    def _tell_what_is_lost(self, class_logits: Tensor, threshold: float) -> None:
        """Warn, once, if a graph that picks candidates may have had more of them."""
        is_full = len(class_logits) < len(self._priors) and bool(
            may_score(class_logits, threshold, self._config.scores).all()
        )
        if is_full and not self._has_warned:
            self._has_warned = True
            logger.warning(
                'the graph of %s gives %d candidates of an image, all of which may score above '
                '%g, and others may be lost: export it with more candidates',
                self._config.name,
                len(class_logits),
                threshold,
            )

    def _class_factors(self, wanted: Sequence[str]) -> Tensor:
        return class_factors(self._config.class_names, wanted, self._priors.device)

    def _mask_quality(self, soft_masks: Tensor, class_ids: Tensor) -> Tensor:
        """Return the predicted mask IoU of each instance for its class (YOLACT++, section 6.1)."""
        return self._rescore(soft_masks).gather(1, class_ids.unsqueeze(1)).squeeze(1)


def _to_pixels(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale boxes from fractions to pixels and clip them to the image."""
    height, width = size
    limits = boxes.new_tensor([width, height, width, height])
    return (boxes * limits).clamp(min=torch.zeros_like(limits), max=limits)
