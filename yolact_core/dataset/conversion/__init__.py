"""Data sets of other formats as COCO files."""

from yolact_core.dataset.conversion.convert import Conversion, convert_to_coco

__all__ = ['Conversion', 'convert_to_coco']
