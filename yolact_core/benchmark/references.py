"""The references that our detectors are compared with.

The plain one is eager float32 with the original's algorithms written straightforwardly. Nothing
in it is clever, so that ratios to it mean something: the network's memory is in PyTorch's usual
order, every prior is scored and decoded, and each mask has the size of the image before it becomes
binary. The other one is torchvision's Mask R-CNN, the two-stage method of the paper's comparison.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection import maskrcnn_resnet50_fpn

from yolact_core.checkpoints.checkpoint import hash_weights
from yolact_core.inference.options import DetectorOptions
from yolact_core.masks.assembly import combine_prototypes, crop_masks
from yolact_core.network import Prediction, Yolact
from yolact_core.network.boxes import decode_boxes, pairwise_iou
from yolact_core.network.scores import class_scores
from yolact_core.runtimes import Backend
from yolact_core.timing import Clock, Timing

SHORTER_SIDE = 800  # pixels, as torchvision has it


@dataclass(frozen=True)
class PlainInstances:
    """What was found in an image, best score first.

    Args:
        boxes: Corners in pixels, shape (N, 4).
        scores: Scores in (0, 1), shape (N,).
        class_ids: Classes, 0-based, shape (N,).
        masks: Masks of the whole image, bool, shape (N, H, W).
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
        network: Network in evaluation mode.
        device: Device to run on.
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

    def prepare(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return normalized images, (B, 3, S, S)."""
        side = self.config.input_size
        stretched = []
        for rgb in images:
            image = torch.from_numpy(rgb).to(self.device).float()
            image = image.permute(2, 0, 1).unsqueeze(0).contiguous()
            stretched.append(
                F.interpolate(image, (side, side), mode='bilinear', align_corners=False)
            )
        return self._network.normalize(torch.cat(stretched))

    def __call__(self, images: Tensor) -> Prediction:
        """Predict from normalized images, (B, 3, S, S)."""
        prediction: Prediction = self._network(images.contiguous())
        return prediction

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict the IoU of soft masks, (N, Hp, Wp), with their objects, for every class."""
        return self._network.rescore(masks)


class PlainDetector:
    """Finds instances in one image after the other, with ``timing`` of the last.

    Args:
        backend: Backend that predicts.
        options: Options, of which the thresholds that Fast NMS needs are honoured.
    """

    def __init__(self, backend: Backend, options: DetectorOptions) -> None:
        self.timing = Timing()
        self._backend = backend
        self._options = options

    @torch.no_grad()
    def __call__(self, rgb: npt.NDArray[np.uint8]) -> PlainInstances:
        """Find the instances in an image of shape (H, W, 3)."""
        clock = Clock(self._backend.device)
        images = self._backend.prepare([rgb])
        clock.lap('preprocess')
        box_offsets, class_logits, coefficients, prototypes = self._backend(images)[:4]
        config = self._backend.config
        scores = class_scores(class_logits, config.scores)  # (1, A, C)
        clock.lap('network')
        boxes, scores, class_ids, weights = detect_plainly(
            decode_boxes(box_offsets[0], self._backend.priors, config.box_coding),
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


def detect_plainly(
    boxes: Tensor, scores: Tensor, coefficients: Tensor, options: DetectorOptions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sort every class's candidates, and compare the best of each class with each other.

    Args:
        boxes: Boxes of all priors, corners as fractions of the image, shape (A, 4).
        scores: Scores of all priors for each foreground class, shape (A, C).
        coefficients: Coefficients of all priors, shape (A, K).
        options: Options, of which those of Fast NMS are honoured.

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


class MaskRcnn:
    """R50-FPN with random weights, and as much to do after its first stage as a trained one has.

    The first stage passes on 1,000 proposals whatever its weights. The second would find nothing,
    since random scores of 90 classes are all alike: its threshold is therefore the score that so
    many pairs of proposal and class exceed, and of what stays after NMS it keeps the best.

    Args:
        device: Device to run on.
        rgb: Image on which the threshold is found, shape (H, W, 3).
        candidates: Number of pairs of proposal and class that enter the last NMS.
        instances: Number of instances that get masks.
        shorter_side: Pixels that the shorter side of images is scaled to; the longer one follows.
    """

    def __init__(
        self,
        device: torch.device,
        rgb: npt.NDArray[np.uint8],
        candidates: int,
        instances: int,
        shorter_side: int = SHORTER_SIDE,
    ) -> None:
        self.timing = Timing()
        self._device = device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self._network = maskrcnn_resnet50_fpn(
                weights=None,
                weights_backbone=None,
                min_size=shorter_side,
                box_detections_per_img=instances,
            )
        self._network.eval().to(device)
        self._find_threshold(rgb, candidates)

    @torch.inference_mode()
    def __call__(self, rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Return the masks of the instances in an image, shape (N, H, W)."""
        clock = Clock(self._device)
        image = torch.from_numpy(rgb).to(self._device).permute(2, 0, 1).float() / 255
        clock.lap('preprocess')
        (found,) = self._network([image])
        masks: Tensor = found['masks'][:, 0] > 0.5
        on_cpu: npt.NDArray[np.bool_] = masks.cpu().numpy()
        clock.lap('network')
        self.timing = clock.read()
        return on_cpu

    def _find_threshold(self, rgb: npt.NDArray[np.uint8], candidates: int) -> None:
        heads = self._network.roi_heads
        scores: list[Tensor] = []

        def note(_module: nn.Module, _inputs: object, outputs: tuple[Tensor, Tensor]) -> None:
            scores.append(outputs[0].softmax(dim=-1)[:, 1:].flatten())

        hook = heads.box_predictor.register_forward_hook(note)
        heads.score_thresh = 1.0
        self(rgb)
        hook.remove()
        (pairs,) = scores
        best = pairs.topk(min(candidates + 1, len(pairs))).values
        heads.score_thresh = float(best[-1])
