"""ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from yolact_core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from torch.export import ExportedProgram

    from yolact_core.runtimes.exported import ModelCard

INPUT = 'images'
INSTALL = "pip install 'yolact[onnx]'"


def write_onnx(program: ExportedProgram, card: ModelCard, path: Path) -> None:
    """Write a graph, for any number of images, and what makes a full model of it.

    Args:
        program: The graph.
        card: Goes into the metadata.
        path: Of the file.

    Raises:
        InputError: What PyTorch needs to write ONNX is not installed.
    """
    try:
        from onnx_ir.passes.common import ClearMetadataAndDocStringPass
    except ImportError:
        raise InputError(
            f'package onnxscript must be installed to write ONNX, got none: {INSTALL}'
        ) from None
    written = torch.onnx.export(
        program,
        dynamo=True,
        verbose=False,
        input_names=[INPUT],
        output_names=list(card.outputs),
    )
    if written is None:
        raise RuntimeError('torch.onnx.export must return a program')
    ClearMetadataAndDocStringPass()(written.model)  # it tells of this machine's folders
    written.model.metadata_props.update(card.to_strings())
    written.save(path)
