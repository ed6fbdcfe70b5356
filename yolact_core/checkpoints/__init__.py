"""Weights in files: what they hold, where they come from."""
