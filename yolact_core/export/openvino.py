"""OpenVINO files: the graph in ``.xml``, its weights in ``.bin`` beside it."""

from __future__ import annotations

import logging
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import openvino
    from torch import Tensor
    from torch.export import ExportedProgram

    from yolact_core.runtimes.exported import ModelCard

INSTALL_QUANTISER = "pip install 'yolact[openvino]'"


def write_openvino(
    program: ExportedProgram, card: ModelCard, path: Path, calibration: Sequence[Tensor]
) -> None:
    """Write a graph for one image, and what makes a full model of it.

    Args:
        program: The graph.
        card: Goes into the runtime information; its precision is float32 or int8.
        path: Of the ``.xml`` file.
        calibration: Normalized images, each (1, 3, S, S), that show int8 the usual ranges.

    Raises:
        InputError: What quantises is not installed.
    """
    import openvino

    from yolact_core.runtimes.openvino import CARD

    model = openvino.convert_model(program)
    side = card.config.input_size
    model.reshape([1, 3, side, side])
    for output, name in zip(model.outputs, card.outputs, strict=True):
        output.get_tensor().set_names({name})
    if card.precision == 'int8':
        model = _quantise(model, calibration)
    for key, value in card.to_strings().items():
        model.set_rt_info(value, [CARD, key])
    openvino.save_model(model, path, compress_to_fp16=False)


def _quantise(model: openvino.Model, calibration: Sequence[Tensor]) -> openvino.Model:
    try:
        import nncf
    except ImportError:
        raise InputError(
            f'package nncf must be installed to quantise, got none: {INSTALL_QUANTISER}'
        ) from None
    nncf.set_log_level(logging.ERROR)
    dataset = nncf.Dataset(calibration, lambda image: image.numpy())
    with redirect_stdout(sys.stderr):  # it shows its progress
        return nncf.quantize(model, dataset, subset_size=len(calibration))
