"""Mask R-CNN of torchvision, the two-stage method that the paper compares with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision.models.detection import maskrcnn_resnet50_fpn

from yolact_core.timing import Clock, Timing

SHORTER_SIDE = 800  # pixels, as torchvision has it


class MaskRcnn:
    """R50-FPN with random weights, and as much to do after its first stage as a trained one has.

    The first stage passes on 1,000 proposals whatever its weights. The second would find nothing,
    since random scores of 90 classes are all alike: its threshold is therefore the score that so
    many pairs of proposal and class exceed, and of what stays after NMS it keeps the best.

    Args:
        device: To run on.
        rgb: An image on which the threshold is found, shape (H, W, 3).
        candidates: Pairs of proposal and class that enter the last NMS.
        instances: With masks.
        shorter_side: To which images are scaled; the longer one follows.
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
