"""Masks of instances, which exist only inside their boxes."""
