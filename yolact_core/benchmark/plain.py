"""The plain reference: eager float32, and the original's algorithms written straightforwardly.

Nothing here is clever, so that ratios to it mean something: the network's memory is in PyTorch's
usual order, every prior is scored and decoded, and each mask has the size of the image before it
becomes binary.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.inference.options import DetectorOptions
from yolact_core.masks.assembly import combine_prototypes, crop_masks
from yolact_core.network import Prediction, Yolact
from yolact_core.network.boxes import decode_boxes, pairwise_iou
from yolact_core.runtimes.backend import Backend
from yolact_core.timing import Clock, Timing


@dataclass(frozen=True)
class PlainInstances:
    """What was found in an image, best score first.

    Args:
        boxes: Corners in pixels, shape (N, 4).
        scores: Shape (N,).
        class_ids: Shape (N,).
        masks: Of the whole image, bool, shape (N, H, W).
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    class_ids: npt.NDArray[np.int64]
    masks: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)


class PlainBackend:
    """Calls a copy of a network, in float32 and in PyTorch's usual memory format.

    Args:
        network: In evaluation mode.
        device: To run on.
    """

    name = 'plain'
    precision = 'float32'

    def __init__(self, network: Yolact, device: torch.device) -> None:
        plain = copy.deepcopy(network).to(device)
        self._network = plain.to(memory_format=torch.contiguous_format)
        self.device = device
        self.config = network.config
        self.digest = hash_weights(network)
        self.priors = self._network.priors

    def __call__(self, images: Tensor) -> Prediction:
        """Predict from normalized images of shape (B, 3, S, S)."""
        prediction: Prediction = self._network(images.contiguous())
        return prediction

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict the IoU of soft masks, (N, Hp, Wp), with their objects, for every class."""
        return self._network.rescore(masks)


class PlainDetector:
    """Finds instances in one image after the other, with ``timing`` of the last.

    Args:
        backend: Predicts.
        options: Those of the thresholds that Fast NMS needs are honoured.
    """

    def __init__(self, backend: Backend, options: DetectorOptions) -> None:
        self.timing = Timing()
        self._backend = backend
        self._options = options
        self._mean, self._std = (
            torch.tensor(values, device=backend.device).view(3, 1, 1)
            for values in (backend.config.mean, backend.config.std)
        )

    @torch.no_grad()
    def __call__(self, rgb: npt.NDArray[np.uint8]) -> PlainInstances:
        """Find the instances in an image of shape (H, W, 3)."""
        clock = Clock(self._backend.device)
        images = self._preprocess(rgb)
        clock.lap('preprocess')
        box_offsets, class_logits, coefficients, prototypes = self._backend(images)
        scores = class_logits.softmax(dim=-1)[..., 1:]  # (1, A, C)
        clock.lap('network')
        boxes, scores, class_ids, weights = detect_plainly(
            decode_boxes(box_offsets[0], self._backend.priors),
            scores[0],
            coefficients[0],
            self._options,
        )
        clock.lap('nms')
        height, width = rgb.shape[:2]
        masks = assemble_plainly(prototypes[0], weights, boxes, (height, width))
        pixels = (boxes * boxes.new_tensor([width, height, width, height])).clamp(min=0)
        found = [one.cpu().numpy() for one in (pixels, scores, class_ids, masks)]
        clock.lap('masks')
        self.timing = clock.read()
        return PlainInstances(*found)

    def _preprocess(self, rgb: npt.NDArray[np.uint8]) -> Tensor:
        image = torch.from_numpy(rgb).to(self._backend.device).float()
        side = self._backend.config.input_size
        image = image.permute(2, 0, 1).unsqueeze(0).contiguous()
        image = F.interpolate(image, (side, side), mode='bilinear', align_corners=False)
        return (image - self._mean) / self._std


def detect_plainly(
    boxes: Tensor, scores: Tensor, coefficients: Tensor, options: DetectorOptions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sort every class's candidates, and compare the best of each class with each other.

    Args:
        boxes: Of all priors, corners as fractions of the image, shape (A, 4).
        scores: Of all priors for each foreground class, shape (A, C).
        coefficients: Of all priors, shape (A, K).
        options: Of Fast NMS.

    Returns:
        Boxes, scores, classes and coefficients of the instances, best score first.
    """
    is_candidate = scores.amax(dim=1) > options.candidate_threshold
    boxes, coefficients = boxes[is_candidate], coefficients[is_candidate]
    ranked, order = scores[is_candidate].T.sort(dim=1, descending=True)  # (C, N)
    ranked, order = ranked[:, : options.top_k], order[:, : options.top_k]
    overlaps = pairwise_iou(boxes[order], boxes[order]).triu(diagonal=1)  # (C, top_k, top_k)
    keep = ~(overlaps > options.iou_threshold).any(dim=1)
    class_ids = torch.arange(len(ranked), device=boxes.device).unsqueeze(1).expand_as(keep)[keep]
    best, best_first = ranked[keep].sort(descending=True)
    best_first = best_first[best > options.score_threshold][: options.max_detections]
    kept = order[keep][best_first]
    return boxes[kept], ranked[keep][best_first], class_ids[best_first], coefficients[kept]


def assemble_plainly(
    prototypes: Tensor, coefficients: Tensor, boxes: Tensor, size: tuple[int, int]
) -> Tensor:
    """Upsample every mask to the whole image before thresholding; bool, shape (N, H, W)."""
    soft = crop_masks(combine_prototypes(prototypes, coefficients).sigmoid(), boxes)
    if len(soft) == 0:
        return torch.zeros(0, *size, dtype=torch.bool, device=soft.device)
    return F.interpolate(soft.unsqueeze(0), size, mode='bilinear', align_corners=False)[0] > 0.5
