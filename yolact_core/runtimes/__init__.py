"""Runtimes that turn images into predictions: PyTorch, and those that run exported files."""
