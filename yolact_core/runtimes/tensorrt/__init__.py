"""TensorRT, also that for RTX: engines that are built, kept and run."""
