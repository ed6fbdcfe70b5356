"""Figures of bags, from the records of their images."""
