"""YOLACT and YOLACT++ instance segmentation that knows no ROS.

Names are imported when they are first used, so that importing the package costs nothing.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yolact_core.checkpoints.checkpoint import load_network, save_checkpoint
    from yolact_core.config import ModelConfig
    from yolact_core.detections import Detections
    from yolact_core.detector import Detector
    from yolact_core.errors import InputError
    from yolact_core.masks.instance_masks import InstanceMasks
    from yolact_core.network import Prediction, Yolact, build_network
    from yolact_core.tracking import Tracker, TrackingOptions, Tracks

__version__ = '0.1.0'

os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')  # or ONNX Runtime reports home

_HOMES = {
    'Detections': 'yolact_core.detections',
    'Detector': 'yolact_core.detector',
    'InputError': 'yolact_core.errors',
    'InstanceMasks': 'yolact_core.masks.instance_masks',
    'ModelConfig': 'yolact_core.config',
    'Prediction': 'yolact_core.network',
    'Tracker': 'yolact_core.tracking',
    'TrackingOptions': 'yolact_core.tracking',
    'Tracks': 'yolact_core.tracking',
    'Yolact': 'yolact_core.network',
    'build_network': 'yolact_core.network',
    'load_network': 'yolact_core.checkpoints.checkpoint',
    'save_checkpoint': 'yolact_core.checkpoints.checkpoint',
}

__all__ = [
    'Detections',
    'Detector',
    'InputError',
    'InstanceMasks',
    'ModelConfig',
    'Prediction',
    'Tracker',
    'TrackingOptions',
    'Tracks',
    'Yolact',
    '__version__',
    'build_network',
    'load_network',
    'save_checkpoint',
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Import the home of a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
