"""Depth and calibration beside the images of a camera."""
