"""NMS and masks on a GPU, and CUDA graphs.

The arithmetic is that of ``yolact_core.inference`` and ``yolact_core.masks``. The difference is
that the size of every array is known beforehand, so that everything is launched without waiting.
"""
