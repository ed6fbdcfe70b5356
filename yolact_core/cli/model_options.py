"""The options that choose a model, and what counts as a detection, for several commands."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from yolact_core.cli.options import option
from yolact_core.runtimes.registry import backend_names
from yolact_core.terminal import remark, remark_logs

if TYPE_CHECKING:
    from yolact_core.detector import Detector

SHIPPED_DEFAULT = 'coco'
OFFICIAL_DEFAULT = 'yolact_resnet50'


def default_model() -> str:
    """Return the model that runs where none is asked for."""
    from yolact_core.checkpoints.model_zoo import shipped_models

    return SHIPPED_DEFAULT if SHIPPED_DEFAULT in shipped_models() else OFFICIAL_DEFAULT


@dataclass(frozen=True, kw_only=True)
class DetectionOptions:
    """Options that say what counts as a detection: those of ``DetectorOptions`` that users set."""

    score_threshold: float = option(
        'keep what has a class score above this, in [0, 1)', 0.3, metavar='SCORE'
    )
    iou_threshold: float = option(
        'boxes of a class that overlap more are the same object, in (0, 1]', 0.5, metavar='IOU'
    )
    max_detections: int = option(
        'keep at most so many instances in an image, the best ones', 100, metavar='COUNT'
    )
    class_agnostic: bool = option(
        'an object has one class: boxes drop each other across classes', False
    )
    nms: Literal['fast', 'traditional'] = option(
        'how boxes of the same object are dropped', 'fast'
    )


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Options that say which model runs, and where."""

    model: str = option(
        'a name from "yolact models", or the path of a checkpoint or an exported file',
        default_model(),
        metavar='NAME_OR_FILE',
    )
    config: str | None = option(
        'configuration of a .pth file that is not named after it', metavar='NAME_OR_YAML'
    )
    device: str = option('auto, cpu, cuda or cuda:N', 'auto')
    backend: str = option(
        f'{", ".join(backend_names()[:-1])} or {backend_names()[-1]}; auto: the fastest '
        'installed, measured once',
        'auto',
    )
    precision: str = option(
        'float32, bfloat16, float16 or int8, as the backend has it; auto: float16 on a GPU; on a '
        'CPU float32, or bfloat16 where it is faster and the model hardly loses by it',
        'auto',
    )

    def load(self, detection: DetectionOptions | None = None, **options: object) -> Detector:
        """Load the detector that the options describe.

        Args:
            detection: What counts as a detection; None keeps the defaults of the detector.
            options: Fields of ``DetectorOptions`` that hold in place of ``detection``.

        Raises:
            InputError: An option is wrong or the model cannot be loaded.
        """
        from yolact_core.checkpoints.model_zoo import url_to_fetch
        from yolact_core.detector import Detector
        from yolact_core.inference.options import DetectorOptions

        given: dict[str, Any] = {**(dataclasses.asdict(detection) if detection else {}), **options}
        DetectorOptions(**given)  # refuse bad values before anything is fetched
        if (url := url_to_fetch(self.model)) is not None:
            remark(f'fetching {url}')
        where = dataclasses.asdict(self)
        with remark_logs():
            return Detector.load(where.pop('model'), **where, **given)
