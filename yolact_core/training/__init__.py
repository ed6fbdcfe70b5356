"""Training, on one device or many, from one YAML file a run."""

from yolact_core.training.options import RunConfig, load_run

__all__ = ['RunConfig', 'load_run']
