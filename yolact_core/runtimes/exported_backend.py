"""What an exported file says of its model, and what backends that run such files share."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
import yaml
from safetensors import SafetensorError
from torch import Tensor, nn

from yolact_core.config import ModelConfig
from yolact_core.errors import InputError
from yolact_core.inference.preprocessing import BytePreprocessor, DeviceBytePreprocessor
from yolact_core.network import Prediction
from yolact_core.network.candidates import Candidates
from yolact_core.network.heads import MaskRescoring
from yolact_core.records import parse_yaml
from yolact_core.runtimes.outputs import PRIOR_IDS, RAW_OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from yolact_core.network import Yolact

FORMAT = 'yolact-export-2'
ROUNDING = 2  # counts up when int8 rounds something else
ID_DIGITS = 12
RESCORING = 'rescoring.'


@dataclass(frozen=True)
class ModelCard:
    """All that makes a full model of a graph: it travels as strings in the file's metadata.

    Args:
        config: Configuration that shapes the model.
        digest: The sha256 of the weights that the graph was made of, in hexadecimal.
        precision: Precision of the graph's weights, such as ``float32``.
        priors: Priors in centre form, fractions of the image, shape (A, 4).
        rescoring: Part of YOLACT++ that runs after NMS, so that no graph can contain it.
        outputs: Names of the graph's outputs, in their order: one of ``output_names``.
    """

    config: ModelConfig
    digest: str
    precision: str
    priors: Tensor
    rescoring: MaskRescoring | None = None
    outputs: tuple[str, ...] = RAW_OUTPUTS

    @classmethod
    def of_network(
        cls,
        network: Yolact,
        digest: str,
        precision: str,
        outputs: tuple[str, ...] = RAW_OUTPUTS,
    ) -> ModelCard:
        """Describe what a network is exported to, given what ``hash_weights`` says of it."""
        priors = network.priors.cpu()
        return cls(network.config, digest, precision, priors, network.maskiou_net, outputs)

    @property
    def is_decoded(self) -> bool:
        """Whether the graph gives boxes and scores instead of offsets and logits."""
        return self.outputs[: len(RAW_OUTPUTS)] != RAW_OUTPUTS

    def to_strings(self) -> dict[str, str]:
        """Return what ``from_strings`` reads, for the metadata of a file."""
        tensors = {'priors': self.priors}
        if self.rescoring is not None:
            weights = self.rescoring.state_dict()
            tensors |= {f'{RESCORING}{key}': value.cpu() for key, value in weights.items()}
        plain = json.loads(json.dumps(self.config.to_mapping()))
        return {
            'format': FORMAT,
            'model_id': f'{self.config.name}@{self.digest[:ID_DIGITS]}',
            'digest': self.digest,
            'precision': self.precision,
            'outputs': ', '.join(self.outputs),
            'class_names': json.dumps(self.config.class_names),
            'config': yaml.safe_dump(plain, sort_keys=False),
            'tensors': base64.b64encode(safetensors.torch.save(tensors)).decode(),
        }

    @classmethod
    def from_strings(cls, values: Mapping[str, str], path: Path) -> ModelCard:
        """Read the metadata of a file.

        Raises:
            InputError: It is not the metadata of a file that this project exported.
        """
        if values.get('format') != FORMAT:
            raise InputError(
                f'{path} must say that its format is {FORMAT!r}, got {values.get("format")!r}: '
                'export it with "yolact export"'
            )
        try:
            tensors = safetensors.torch.load(base64.b64decode(values['tensors']))
            config = ModelConfig.from_mapping(parse_yaml(values['config']), f'{path}: config')
            return cls(
                config,
                values['digest'],
                values['precision'],
                tensors['priors'],
                _load_rescoring(config, tensors),
                tuple(values['outputs'].split(', ')),
            )
        except (KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(f'{path} must hold whole metadata: {error}') from error


class ExportedBackend(ABC):
    """Writes the files of one runtime and runs them; it knows what a file says of its model.

    Args:
        card: What the file says of its model.
        device: Device that images and outputs are on.
        precision: Precision of the arithmetic.
    """

    name: str
    is_symmetric = False  # whether int8 must have 0 in the middle of its whole numbers

    def __init__(self, card: ModelCard, device: torch.device, precision: str) -> None:
        self.card = card
        self.config = card.config
        self.digest = card.digest
        self.device = device
        self.precision = precision
        self.priors = card.priors.to(device)
        self._rescoring = card.rescoring.to(device) if card.rescoring is not None else None
        self._preprocess = (
            DeviceBytePreprocessor(card.config, device)
            if device.type == 'cuda'
            else BytePreprocessor(card.config)
        )

    @classmethod
    @abstractmethod
    def open(cls, path: Path, device: torch.device, precision: str = 'auto') -> ExportedBackend:
        """Open a file.

        Args:
            path: File to open; others that belong to it are beside it.
            device: One of those that the runtime runs on.
            precision: ``auto`` or what the file and the device can do.

        Raises:
            InputError: The file, device or precision is not one that the runtime can run.
        """

    @staticmethod
    @abstractmethod
    def write(network: nn.Module, card: ModelCard, path: Path) -> None:
        """Write a graph that takes images as ``run`` does, and normalizes them, to a file.

        Args:
            network: Network in evaluation mode, on the CPU, or what ``with_outputs`` or
                ``quantize`` made of it: it takes normalized images.
            card: What the file shall say of its model; its precision is one that the row of the
                runtime names.
            path: File to write; others that belong to it go beside it.

        Raises:
            InputError: A package is missing, or the network cannot be converted.
        """

    @staticmethod
    def device_to_check() -> torch.device | None:
        """Return a device of this machine that a new file can be run on; None if there is none."""
        return torch.device('cpu')

    @abstractmethod
    def run(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs that ``card.outputs`` names; the next call may overwrite them.

        Args:
            images: RGB bytes on ``device``, shape (B, S, S, 3).
        """

    def prepare(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Return images stretched to bytes, (B, S, S, 3); the next call overwrites them."""
        return self._preprocess(images)

    def __call__(self, images: Tensor) -> Prediction | Candidates:
        """Predict in float32; the next call may overwrite what this one returned.

        Args:
            images: Images as for ``run``. The graph must not decode.
        """
        outputs = self.run(images)
        return (Candidates if PRIOR_IDS in self.card.outputs else Prediction)(*outputs)

    def rescore(self, masks: Tensor) -> Tensor:
        """Predict the IoU of soft masks, (N, Hp, Wp), with their objects, for every class."""
        if self._rescoring is None:
            return masks.new_ones(len(masks), len(self.config.class_names))
        iou: Tensor = self._rescoring(masks)
        return iou


def run_one_by_one(
    run_one: Callable[[Tensor], tuple[Tensor, ...]], images: Tensor
) -> tuple[Tensor, ...]:
    """Run a batch through a graph that takes one image at a time.

    Args:
        run_one: Runs an image of shape (1, S, S, 3); its next call may overwrite the outputs.
        images: Batch, shape (B, S, S, 3).

    Returns:
        Outputs of the batch; of a single image, they are those of ``run_one``.
    """
    if len(images) == 1:
        return run_one(images)
    singles = [[output.clone() for output in run_one(image)] for image in images.split(1)]
    return tuple(torch.cat(outputs) for outputs in zip(*singles, strict=True))


def _load_rescoring(config: ModelConfig, tensors: Mapping[str, Tensor]) -> MaskRescoring | None:
    if not config.mask_rescoring:
        return None
    rescoring = MaskRescoring(len(config.class_names))
    own = {key: value for key, value in tensors.items() if key.startswith(RESCORING)}
    rescoring.load_state_dict({key.removeprefix(RESCORING): own[key] for key in own})
    return rescoring.eval().requires_grad_(False)
