"""Networks in int8: ranges of what their convolutions take, and graphs that round by them."""

from yolact_core.quantization.quantize import quantize
from yolact_core.quantization.ranges import Ranges, measure_ranges

__all__ = ['Ranges', 'measure_ranges', 'quantize']
