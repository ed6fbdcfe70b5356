"""Networks of others with random weights, run by OpenVINO as ours are."""

from __future__ import annotations

import logging
import sys
import warnings
from abc import ABC, abstractmethod
from contextlib import redirect_stdout
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
import torch
from torch import Tensor, nn

from yolact_core.errors import InputError

Image = npt.NDArray[np.uint8]
Masks = npt.NDArray[Any]
Outputs = tuple[Tensor, ...]

HINTS = {'float32': 'f32', 'bfloat16': 'bf16', 'int8': 'bf16'}
FACTS, PARAMETERS = 'peer', 'parameters'
SEEN_BEFORE = 2  # images that ranges of int8 are taken from


class Peer(ABC):
    """An instance segmentation of another project, from image to masks.

    Its threshold is set so that there is as much to do after the network as for ours, as far as
    random weights can tell.

    Args:
        side: Side of the input in pixels.
        precision: Precision of the arithmetic; int8 leaves in bfloat16 what it does not quantise.
        folder: Folder for converted networks.
        images: Images, each (H, W, 3), that ranges and threshold are taken from.

    Raises:
        InputError: Its package is not installed, or has no such precision.
    """

    title: str
    package: str  # on PyPI
    licence: str
    has_int8 = False

    def __init__(self, side: int, precision: str, folder: Path, images: tuple[Image, ...]) -> None:
        if precision == 'int8' and not self.has_int8:
            raise InputError(
                f'precision of {self.title} must be float32 or bfloat16, got {precision!r}'
            )
        try:
            release = version(self.package)
        except PackageNotFoundError:
            raise InputError(
                f'{self.package} must be installed for {self.title}: pip install {self.package}, '
                'in an environment of its own'
            ) from None
        self.side = side
        self._set_up()
        name = f'{self.title}-{self.package}-{release}-{side}'.replace(' ', '-')
        path = folder / f'{name}{"-int8" if precision == "int8" else ""}.xml'
        if not path.is_file():
            self._write(path, precision, images)
        model = openvino.Core().read_model(path)
        self.parameters = int(model.get_rt_info([FACTS, PARAMETERS]).value)
        options = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_NUM_THREADS': torch.get_num_threads(),
            'INFERENCE_PRECISION_HINT': HINTS[precision],
        }
        self._request = openvino.Core().compile_model(model, 'CPU', options).create_infer_request()
        self.threshold = self._find_threshold(self._run(images[0]))

    @torch.inference_mode()
    def __call__(self, rgb: Image) -> Masks:
        """Return the masks of what is found in an image, shape (N, H, W)."""
        return self.finish(self._run(rgb), rgb.shape[:2]).numpy()

    @abstractmethod
    def build(self, sample: Tensor) -> nn.Module:
        """Return the network in evaluation mode, which gives a tuple of tensors.

        Args:
            sample: Input such as the network will see.
        """

    @abstractmethod
    def prepare(self, rgb: Image) -> Tensor:
        """Return an image, (H, W, 3), as input of the network, (1, 3, side, side)."""

    @abstractmethod
    def finish(self, outputs: Outputs, size: tuple[int, int]) -> Tensor:
        """Return masks, (N, H, W), of what the network found in an image of a size."""

    @abstractmethod
    def scores(self, outputs: Outputs) -> tuple[Tensor, int]:
        """Return scores of all that may be found, and how many of these are wanted."""

    @abstractmethod
    def _set_up(self) -> None:
        """Make what ``prepare`` and ``finish`` need."""

    def _run(self, rgb: Image) -> Outputs:
        found = self._request.infer({0: self.prepare(rgb).numpy()}, share_outputs=True)
        return tuple(torch.from_numpy(output) for output in found.values())

    def _find_threshold(self, outputs: Outputs) -> float:
        scores, wanted = self.scores(outputs)
        best = scores.flatten().topk(min(wanted + 1, scores.numel())).values
        return float(best[-1])

    @torch.no_grad()
    def _write(self, path: Path, precision: str, images: tuple[Image, ...]) -> None:
        inputs = [self.prepare(image) for image in images[:SEEN_BEFORE]]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = self.build(inputs[0])
        network(inputs[0])  # what is made at the first call must not be traced
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # the packages are made for this way of tracing
            traced = torch.jit.trace(network, inputs[0], strict=False, check_trace=False)
        model = openvino.convert_model(traced, example_input=inputs[0])
        model.reshape([1, 3, self.side, self.side])
        if precision == 'int8':
            model = _quantise(model, inputs)
        count = sum(one.numel() for one in network.parameters())
        model.set_rt_info(str(count), [FACTS, PARAMETERS])
        path.parent.mkdir(parents=True, exist_ok=True)
        openvino.save_model(model, path, compress_to_fp16=False)


def _quantise(model: openvino.Model, inputs: list[Tensor]) -> openvino.Model:
    """Quantise all but the sigmoids and what decodes boxes, as Ultralytics exports do."""
    import nncf

    nncf.set_log_level(logging.ERROR)
    operations = model.get_ordered_ops()
    sigmoids = [one.get_friendly_name() for one in operations if one.get_type_name() == 'Sigmoid']
    head = sigmoids[-1].split('/', 1)[0]
    left = [name for one in operations if (name := one.get_friendly_name()).startswith(f'{head}/')]
    with redirect_stdout(sys.stderr):  # it shows its progress
        return nncf.quantize(
            model,
            nncf.Dataset(inputs, lambda one: one.numpy()),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(inputs),
            ignored_scope=nncf.IgnoredScope(names=list(dict.fromkeys([*sigmoids, *left]))),
        )
