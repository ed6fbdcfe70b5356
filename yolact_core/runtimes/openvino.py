"""OpenVINO, on a CPU.

A model is two files: the graph in ``.xml``, and its weights in ``.bin`` beside it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import openvino
import torch
from openvino._offline_transformations import compress_quantize_weights_transformation
from openvino.preprocess import PrePostProcessor
from torch import Tensor, nn

from yolact_core.config import ModelConfig
from yolact_core.cores import has_fast_bfloat16
from yolact_core.errors import InputError
from yolact_core.quantization.tracing import trace_network
from yolact_core.runtimes.exported_backend import ExportedBackend, ModelCard, run_one_by_one

CARD = 'yolact'  # section of the file's runtime information
BFLOAT16 = 'BF16'  # as the runtime calls it among what a CPU can do
# In int8 the additions of residual blocks join convolutions only if they do not join each other
# first: ResNet-50 takes 3 to 4 % less time. The runtime does not document this switch.
JOIN_CONVOLUTIONS = {'SNIPPETS_MODE': 'DISABLE'}


class OpenVinoBackend(ExportedBackend):
    """Runs an ``.xml`` file and the ``.bin`` file beside it.

    Args:
        compiled: The model, which takes one image at a time.
        card: What the file says of its model.
        precision: Precision of the arithmetic.
    """

    name = 'openvino'

    def __init__(self, compiled: openvino.CompiledModel, card: ModelCard, precision: str) -> None:
        super().__init__(card, torch.device('cpu'), precision)
        self._request = compiled.create_infer_request()

    @classmethod
    def open(cls, path: Path, device: torch.device, precision: str = 'auto') -> OpenVinoBackend:
        """Open an ``.xml`` file with its weights beside it, to run in its precision by default.

        What an int8 file has not quantised runs in bfloat16 where the CPU gains by it.
        """
        core = _core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise InputError(f'{path} must be a model that OpenVINO can read: {reason}') from error
        card = _read_card(model, path)
        has_bfloat16 = BFLOAT16 in core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        precision = card.precision if precision == 'auto' else precision
        _check_precision(precision, card, path, has_bfloat16)
        is_reduced = precision == 'bfloat16' or (precision == 'int8' and has_fast_bfloat16())
        options = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_NUM_THREADS': torch.get_num_threads(),
            'INFERENCE_PRECISION_HINT': 'bf16' if is_reduced else 'f32',
        }
        return cls(_compile(model, options, precision), card, precision)

    @staticmethod
    def write(network: nn.Module, card: ModelCard, path: Path) -> None:
        """Write a network for one image at a time; the card is the file's runtime information."""
        side = card.config.input_size
        model = openvino.convert_model(trace_network(network, torch.zeros(3, side, side)))
        model.reshape([1, 3, side, side])
        for output, name in zip(model.outputs, card.outputs, strict=True):
            output.get_tensor().set_names({name})
        compress_quantize_weights_transformation(model)  # weights in int8 to bytes
        model = _from_bytes(model, card.config)
        for key, value in card.to_strings().items():
            model.set_rt_info(value, [CARD, key])
        openvino.save_model(model, path, compress_to_fp16=False)

    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs that ``card.outputs`` names."""
        return run_one_by_one(self._run_one, images)

    def _run_one(self, image: Tensor) -> tuple[Tensor, ...]:
        found = self._request.infer({0: image.numpy()}, share_inputs=True, share_outputs=True)
        return tuple(torch.from_numpy(output) for output in found.values())


@cache
def _core() -> openvino.Core:
    """Return the one core of this process, which lives as long.

    A core gives signals a stack of their own, and when it ends it brings back the one before. Of
    two that end in the order of their start, the second would bring back that of the first, which
    is gone, and the next signal that Python handles, Ctrl-C for instance, would be the last.
    """
    return openvino.Core()


def _compile(
    model: openvino.Model, options: dict[str, Any], precision: str
) -> openvino.CompiledModel:
    if precision == 'int8':
        try:
            return _core().compile_model(model, 'CPU', options | JOIN_CONVOLUTIONS)
        except RuntimeError:  # a version without the switch
            pass
    return _core().compile_model(model, 'CPU', options)


def _read_card(model: openvino.Model, path: Path) -> ModelCard:
    if not model.has_rt_info([CARD]):
        return ModelCard.from_strings({}, path)
    section = model.get_rt_info([CARD]).value
    return ModelCard.from_strings({key: str(value) for key, value in section.items()}, path)


def _check_precision(precision: str, card: ModelCard, path: Path, has_bfloat16: bool) -> None:
    if (precision == 'int8') != (card.precision == 'int8'):
        raise InputError(
            f'{path} must be exported with --precision {precision} to run in it, '
            f'got {card.precision}'
        )
    if precision == 'bfloat16' and not has_bfloat16:
        raise InputError(
            'precision bfloat16 of backend openvino must be in hardware (avx512_bf16, amx_bf16), '
            'got a CPU without: use float32 or int8'
        )


def _from_bytes(model: openvino.Model, config: ModelConfig) -> openvino.Model:
    """Return a model that takes images as cameras have them, and normalizes them."""
    steps = PrePostProcessor(model)
    images = steps.input()
    images.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout('NHWC'))
    images.model().set_layout(openvino.Layout('NCHW'))
    normalization = images.preprocess().convert_element_type(openvino.Type.f32)
    normalization.mean(list(config.mean)).scale(list(config.std))
    return steps.build()
