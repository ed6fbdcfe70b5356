"""From raw predictions to detections on a GPU: all is launched, then waited for once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from yolact_core.detections import Detections
from yolact_core.inference.cpu.postprocessing import Postprocessor, wanted_classes
from yolact_core.inference.cuda.graphs import CudaGraphs
from yolact_core.inference.cuda.masks import pack_masks, soft_masks_in_boxes, unpack_masks
from yolact_core.inference.cuda.nms import FixedInstances, select_instances
from yolact_core.inference.options import DetectorOptions
from yolact_core.network import Prediction
from yolact_core.runtimes.backend import Backend
from yolact_core.timing import Clock

ROOM = 1.5  # times the bytes that masks needed, once there were too few
MOST_ARRIVALS = 64  # places in memory that are kept, by size and position in the batch
BEFORE_COEFFICIENTS = 6  # columns of ``Outcome.reals``

Size = tuple[int, int]


class Outcome(NamedTuple):
    """The detections of one image in arrays of fixed size D, on the device or beside it.

    Attributes:
        reals: Box as fractions of the image, score, mask score, coefficients, (D, 6 + K) float32.
        integers: Class, window and end of the packed mask, (D, 6) int64.
        state: How many instances there are, and whether there could be no others, (2,) int64.
        bits: Packed masks, shape (M,) uint8.
    """

    reals: Tensor
    integers: Tensor
    state: Tensor
    bits: Tensor


class DevicePostprocessor:
    """Turns predictions into detections on the device where they are.

    Args:
        backend: Whose predictions they are.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._without_limits = Postprocessor(backend)
        self._graphs = CudaGraphs()
        self._capacity: dict[Size, int] = {}
        self._class_factors: dict[Sequence[str], Tensor] = {}
        self._arrivals: dict[tuple[object, ...], Outcome] = {}

    def __call__(
        self,
        predictions: Prediction,
        sizes: Sequence[Size],
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
        if options.nms != 'fast':
            return self._without_limits(predictions, sizes, options, clock)
        images = [Prediction(*outputs) for outputs in zip(*predictions, strict=True)]
        outcomes = [
            self._launch(position, prediction, size, options, clock)
            for position, (prediction, size) in enumerate(zip(images, sizes, strict=True))
        ]
        _wait_for(predictions.prototypes.device)
        found = [self._collect(*pair) for pair in zip(outcomes, sizes, strict=True)]
        return [
            self._without_limits.detect(prediction, size, options, clock) if one is None else one
            for one, prediction, size in zip(found, images, sizes, strict=True)
        ]

    def _launch(
        self,
        position: int,
        prediction: Prediction,
        size: Size,
        options: DetectorOptions,
        clock: Clock,
    ) -> Outcome:
        """Launch the work on one image, and return where its detections will arrive."""
        capacity = self._capacity.setdefault(size, size[0] * -(-size[1] // 8))

        def suppress(factors: Tensor, *outputs: Tensor) -> FixedInstances:
            return select_instances(Prediction(*outputs), self._backend.priors, factors, options)

        def assemble(prototypes: Tensor, *instances: Tensor) -> Outcome:
            return self._assemble(prototypes, FixedInstances(*instances), size, capacity)

        instances = self._graphs.run(options, suppress, self._factors(options), *prediction)
        clock.lap('nms')
        outcome = self._graphs.run((size, capacity), assemble, prediction.prototypes, *instances)
        arrival = self._arrival(position, Outcome(*outcome))
        for there, here in zip(outcome, arrival, strict=True):
            here.copy_(there, non_blocking=True)
        clock.lap('masks')
        return arrival

    def _factors(self, options: DetectorOptions) -> Tensor:
        """Return ``wanted_classes``, uploaded once for as long as the options stay."""
        if options.classes not in self._class_factors:
            self._class_factors = {options.classes: wanted_classes(self._backend, options)}
        return self._class_factors[options.classes]

    def _assemble(
        self, prototypes: Tensor, instances: FixedInstances, size: Size, capacity: int
    ) -> Outcome:
        boxes, scores, class_ids, coefficients, number, is_complete = instances
        soft = soft_masks_in_boxes(prototypes, coefficients, boxes)
        mask_scores = scores
        if self._backend.config.mask_rescoring:
            quality = self._backend.rescore(soft)  # (D, C)
            mask_scores = scores * quality.gather(1, class_ids.unsqueeze(1)).squeeze(1)
        windows, ends, bits = pack_masks(soft, boxes, number, size, capacity)
        columns = [boxes, scores.unsqueeze(1), mask_scores.unsqueeze(1), coefficients]
        return Outcome(
            torch.cat(columns, dim=1),
            torch.cat([class_ids.unsqueeze(1), windows, ends.unsqueeze(1)], dim=1),
            torch.stack([number, is_complete.long()]),
            bits,
        )

    def _arrival(self, position: int, outcome: Outcome) -> Outcome:
        """Return memory beside the device that nothing else of this batch goes to."""
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
            all_class_names=self._backend.config.class_names,
        )


def _wait_for(device: torch.device) -> None:
    """Sleep until all that was launched on a GPU is done: spinning would burn a core."""
    if device.type == 'cuda':
        done = torch.cuda.Event(blocking=True)
        done.record(torch.cuda.current_stream(device))
        done.synchronize()
