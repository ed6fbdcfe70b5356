"""What other packages offer for the same task.

None of them is a dependency of this one, and nothing of theirs is fetched: networks are built from
the packages' own configurations, and all before and after the network is the packages' own code.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peer_networks import Image, Outputs, Peer
from torch import Tensor, nn

from yolact_core.benchmark import CANDIDATES, INSTANCES

CLASSES = 80
RF_DETR_SIZES = {312: 'Nano', 384: 'Small', 432: 'Medium', 504: 'Large', 624: 'XLarge'}


class Yolo(Peer):
    """Ultralytics: convolutions, prototypes and coefficients; squares with grey borders."""

    package = 'ultralytics'
    licence = 'AGPL-3.0'
    has_int8 = True
    configuration: str
    end_to_end: bool

    def _set_up(self) -> None:
        os.environ.setdefault('YOLO_OFFLINE', 'true')
        from ultralytics.data.augment import LetterBox

        self._letter_box = LetterBox((self.side, self.side), auto=False)

    def build(self, sample: Tensor) -> nn.Module:
        """Return the network, whose batch norm has seen the sample: else values fade away."""
        from ultralytics.nn.tasks import SegmentationModel

        network = SegmentationModel(self.configuration, nc=CLASSES, verbose=False)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = 1.0
        network.train()
        network(sample)
        head = network.model[-1]
        head.end2end = self.end_to_end
        head.export, head.format, head.dynamic = True, 'openvino', False
        fused: nn.Module = network.eval().fuse(verbose=False)
        return fused

    def prepare(self, rgb: Image) -> Tensor:
        """Scale, pad, and divide."""
        padded = self._letter_box(image=rgb)
        pixels = np.ascontiguousarray(padded.transpose(2, 0, 1)[np.newaxis])
        return torch.from_numpy(pixels).float() / 255

    def finish(self, outputs: Outputs, size: tuple[int, int]) -> Tensor:
        """Do NMS, and upsample masks to the image (``retina_masks``)."""
        from ultralytics.utils import nms, ops

        predictions, prototypes = outputs
        (found,) = nms.non_max_suppression(
            predictions,
            self.threshold,
            0.7,
            max_det=INSTANCES,
            nc=CLASSES,
            end2end=self.end_to_end,
        )
        boxes = ops.scale_boxes((self.side, self.side), found[:, :4], size)
        masks: Tensor = ops.process_mask_native(prototypes[0], found[:, 6:], boxes, size)
        return masks

    def scores(self, outputs: Outputs) -> tuple[Tensor, int]:
        """Return the best score of each prior, or those that the network itself chose."""
        if self.end_to_end:
            return outputs[0][..., 4], INSTANCES
        return outputs[0][:, 4 : 4 + CLASSES].amax(dim=1), CANDIDATES


class Yolo11(Yolo):
    """The smallest of 2024."""

    title = 'YOLO11n-seg'
    configuration, end_to_end = 'yolo11n-seg.yaml', False


class Yolo26(Yolo):
    """The smallest of 2026, which needs no NMS."""

    title = 'YOLO26n-seg'
    configuration, end_to_end = 'yolo26n-seg.yaml', True


class RfDetr(Peer):
    """Roboflow: a transformer with a size of input of its own for each size of network."""

    package = 'rfdetr'
    licence = 'Apache-2.0'

    def __init__(self, side: int, precision: str, folder: Path, images: tuple[Image, ...]) -> None:
        self.title = f'RF-DETR-Seg-{RF_DETR_SIZES[side]}'
        super().__init__(side, precision, folder, images)

    def _set_up(self) -> None:
        os.environ.setdefault('HF_HUB_OFFLINE', '1')
        from rfdetr.models.postprocess import PostProcess

        self._postprocess = PostProcess()

    def build(self, _sample: Tensor) -> nn.Module:
        """Return the network as it is exported."""
        import rfdetr

        offered = getattr(rfdetr, f'RFDETRSeg{RF_DETR_SIZES[self.side]}')
        network: nn.Module = offered(pretrain_weights=None, device='cpu').model.model.eval()
        network.export()
        return network

    def prepare(self, rgb: Image) -> Tensor:
        """Stretch and normalise."""
        from torchvision.transforms import functional

        image = torch.from_numpy(rgb).permute(2, 0, 1).float() / 255
        image = functional.resize(image, [self.side, self.side], antialias=False)
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        normal: Tensor = functional.normalize(image, mean, std).unsqueeze(0)
        return normal

    def finish(self, outputs: Outputs, size: tuple[int, int]) -> Tensor:
        """Take the best queries, and upsample their masks to the image."""
        named = dict(zip(('pred_boxes', 'pred_logits', 'pred_masks'), outputs, strict=True))
        (found,) = self._postprocess(named, torch.tensor([size]), score_threshold=self.threshold)
        masks: Tensor = found['masks'][:, 0]
        return masks

    def scores(self, outputs: Outputs) -> tuple[Tensor, int]:
        """Return the score of each pair of query and class."""
        return outputs[1].sigmoid(), INSTANCES


class _MaskFormerOutputs(nn.Module):
    """The two tensors that instances are made from."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits and mask logits of all queries."""
        found = self.network(pixel_values=images)
        return found.class_queries_logits, found.masks_queries_logits


class Mask2Former(Peer):
    """Hugging Face's: a Swin transformer, and 100 queries that attend to their own masks."""

    title = 'Mask2Former Swin-T'
    package = 'transformers'
    licence = 'Apache-2.0, published weights CC BY-NC 4.0'

    def _set_up(self) -> None:
        os.environ.setdefault('HF_HUB_OFFLINE', '1')
        from transformers import Mask2FormerImageProcessor

        size = {'height': self.side, 'width': self.side}
        self._processor = Mask2FormerImageProcessor(size=size, size_divisor=32)

    def build(self, _sample: Tensor) -> nn.Module:
        """Return the network of the package's own default configuration."""
        from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

        config = Mask2FormerConfig(num_labels=CLASSES)
        return _MaskFormerOutputs(Mask2FormerForUniversalSegmentation(config)).eval()

    def prepare(self, rgb: Image) -> Tensor:
        """Let the package's processor do it."""
        pixels: Tensor = self._processor(rgb, return_tensors='pt')['pixel_values']
        return pixels

    def finish(self, outputs: Outputs, size: tuple[int, int]) -> Tensor:
        """Let the package's processor do it, which brings masks to 384 pixels on the way."""
        found = self._instances(outputs, size, self.threshold)
        masks = found['segmentation']
        return torch.zeros(0, *size) if masks is None or masks.dim() != 3 else masks

    def scores(self, outputs: Outputs) -> tuple[Tensor, int]:
        """Return the score of each instance that the processor makes."""
        found = self._instances(outputs, (384, 384), 0.0)['segments_info']
        return torch.tensor([one['score'] for one in found]), INSTANCES

    def _instances(
        self, outputs: Outputs, size: tuple[int, int], threshold: float
    ) -> dict[str, Any]:
        from transformers.models.mask2former.modeling_mask2former import (
            Mask2FormerForUniversalSegmentationOutput,
        )

        named = Mask2FormerForUniversalSegmentationOutput(
            class_queries_logits=outputs[0], masks_queries_logits=outputs[1]
        )
        process: Callable[..., list[dict[str, Any]]]
        process = self._processor.post_process_instance_segmentation
        return process(named, threshold, target_sizes=[size], return_binary_maps=True)[0]
