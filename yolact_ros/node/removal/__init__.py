"""Depth without some objects, at the camera's rate."""
