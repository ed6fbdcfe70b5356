"""From raw predictions to detections on a GPU: launch everything, then wait once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from yolact_core.config import ModelConfig
from yolact_core.detections import Detections
from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.inference.cuda.masks import pack_masks, unpack_masks
from yolact_core.inference.cuda.nms import FixedInstances, select_instances
from yolact_core.inference.options import DetectorOptions
from yolact_core.inference.postprocessing import Postprocessor
from yolact_core.masks.assembly import soft_masks_in_boxes
from yolact_core.network import Prediction
from yolact_core.network.candidates import Candidates
from yolact_core.timing import Clock

ROOM = 1.5  # times the bytes that masks needed, after there were too few
MOST_ARRIVALS = 64  # buffers that are kept, by size and position in the batch
BEFORE_COEFFICIENTS = 6  # columns of ``Outcome.reals``

Size = tuple[int, int]


class Outcome(NamedTuple):
    """The detections of one image in arrays of fixed size D, on the device or beside it.

    Attributes:
        reals: Box as fractions of the image, score, mask score and coefficients of each
            instance, shape (D, 6 + K), float32.
        integers: Class, window and end of the packed mask of each, shape (D, 6), int64.
        state: Number of instances, and whether there are certainly no others, shape (2,), int64.
        bits: Packed masks, shape (M,), uint8.
    """

    reals: Tensor
    integers: Tensor
    state: Tensor
    bits: Tensor


class DevicePostprocessor(Postprocessor):
    """Turns predictions into detections on the device where they are, in arrays of fixed size.

    What is too much for these arrays is done in arrays of any size, as ``Postprocessor`` does.
    """

    def __init__(
        self, config: ModelConfig, priors: Tensor, rescore: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__(config, priors, rescore)
        self._graphs = CudaGraphs()
        self._capacity: dict[Size, int] = {}
        self._uploaded_factors: dict[Sequence[str], Tensor] = {}
        self._arrivals: dict[tuple[object, ...], Outcome] = {}

    def __call__(
        self,
        predictions: Prediction | Candidates,
        sizes: Sequence[Size],
        options: DetectorOptions,
        clock: Clock,
    ) -> list[Detections]:
        """Return the detections of each image; the work on all of them is launched first."""
        if options.nms != 'fast':
            return super().__call__(predictions, sizes, options, clock)
        images = [type(predictions)(*outputs) for outputs in zip(*predictions, strict=True)]
        outcomes = [
            self._launch(position, prediction, size, options, clock)
            for position, (prediction, size) in enumerate(zip(images, sizes, strict=True))
        ]
        _wait_for(predictions.prototypes.device)
        found = [self._collect(*pair) for pair in zip(outcomes, sizes, strict=True)]
        return [
            self.detect(prediction, size, options, clock) if one is None else one
            for one, prediction, size in zip(found, images, sizes, strict=True)
        ]

    def _launch(
        self,
        position: int,
        prediction: Prediction | Candidates,
        size: Size,
        options: DetectorOptions,
        clock: Clock,
    ) -> Outcome:
        """Launch the work on one image, and return where its detections will arrive."""
        capacity = self._capacity.setdefault(size, size[0] * -(-size[1] // 8))

        def suppress(factors: Tensor, *outputs: Tensor) -> FixedInstances:
            return select_instances(
                type(prediction)(*outputs), self._priors, factors, options, self._config
            )

        def assemble(prototypes: Tensor, *instances: Tensor) -> Outcome:
            return self._assemble(prototypes, FixedInstances(*instances), size, capacity)

        instances = self._graphs.run(
            options, suppress, self._class_factors(options.classes), *prediction
        )
        clock.lap('nms')
        outcome = self._graphs.run((size, capacity), assemble, prediction.prototypes, *instances)
        arrival = self._arrival(position, Outcome(*outcome))
        for there, here in zip(outcome, arrival, strict=True):
            here.copy_(there, non_blocking=True)
        clock.lap('masks')
        return arrival

    def _class_factors(self, wanted: Sequence[str]) -> Tensor:
        """Upload the factors once for as long as the same classes are wanted."""
        if wanted not in self._uploaded_factors:
            self._uploaded_factors = {wanted: super()._class_factors(wanted)}
        return self._uploaded_factors[wanted]

    def _assemble(
        self, prototypes: Tensor, instances: FixedInstances, size: Size, capacity: int
    ) -> Outcome:
        boxes, scores, class_ids, coefficients, number, is_complete = instances
        soft_masks = soft_masks_in_boxes(prototypes, coefficients, boxes)
        mask_scores = scores
        if self._config.mask_rescoring:
            mask_scores = scores * self._mask_quality(soft_masks, class_ids)
        windows, ends, bits = pack_masks(soft_masks, boxes, number, size, capacity)
        columns = [boxes, scores.unsqueeze(1), mask_scores.unsqueeze(1), coefficients]
        return Outcome(
            torch.cat(columns, dim=1),
            torch.cat([class_ids.unsqueeze(1), windows, ends.unsqueeze(1)], dim=1),
            torch.stack([number, is_complete.long()]),
            bits,
        )

    def _arrival(self, position: int, outcome: Outcome) -> Outcome:
        """Return memory beside the device for one image of the batch."""
        key = (position, *(tuple(one.shape) for one in outcome))
        if key not in self._arrivals:
            if len(self._arrivals) >= MOST_ARRIVALS:
                self._arrivals.clear()
            pinned = outcome.bits.device.type == 'cuda'
            self._arrivals[key] = Outcome(
                *(torch.empty(one.shape, dtype=one.dtype, pin_memory=pinned) for one in outcome)
            )
        return self._arrivals[key]

    def _collect(self, arrived: Outcome, size: Size) -> Detections | None:
        """Return detections that have arrived, or None if arrays of fixed size were too small."""
        number, is_complete = arrived.state.tolist()
        reals, integers = (
            part[:number].numpy().copy() for part in (arrived.reals, arrived.integers)
        )
        needed = int(integers[-1, -1]) if number else 0
        if needed > len(arrived.bits):
            self._capacity[size] = int(ROOM * needed)
        if not is_complete or needed > len(arrived.bits):
            return None
        limits = np.array([size[1], size[0]] * 2, dtype=np.float32)
        windows, ends = integers[:, 1:5], integers[:, 5]
        return Detections(
            boxes=(reals[:, :4] * limits).clip(0, limits),
            scores=reals[:, 4],
            mask_scores=reals[:, 5],
            class_ids=integers[:, 0],
            coefficients=reals[:, BEFORE_COEFFICIENTS:],
            masks=unpack_masks(windows, ends, arrived.bits.numpy(), size),
            all_class_names=self._config.class_names,
        )


def _wait_for(device: torch.device) -> None:
    """Sleep until everything launched on a GPU is done; spinning would burn a core."""
    if device.type == 'cuda':
        done = torch.cuda.Event(blocking=True)
        done.record(torch.cuda.current_stream(device))
        done.synchronize()
