"""The losses of YOLACT and YOLACT++ (section 3 of the papers)."""

from yolact_core.training.losses.losses import Losses, compute_losses
from yolact_core.training.losses.options import LossOptions

__all__ = ['LossOptions', 'Losses', 'compute_losses']
