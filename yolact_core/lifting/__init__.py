"""Objects in space, from masks and the depth behind them."""

from yolact_core.lifting.calibration import Calibration
from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.lifting import lift
from yolact_core.lifting.objects import Objects
from yolact_core.lifting.options import LiftingOptions
from yolact_core.lifting.rays import Rays

__all__ = ['Calibration', 'DepthImage', 'LiftingOptions', 'Objects', 'Rays', 'lift']
