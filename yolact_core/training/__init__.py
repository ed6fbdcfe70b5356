"""Training, on one device or many, from one YAML file a run."""

from yolact_core.training.options import RunConfig
from yolact_core.training.run_file import load_run

__all__ = ['RunConfig', 'load_run']
