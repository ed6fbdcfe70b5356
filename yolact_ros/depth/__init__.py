"""Depth beside images: which belongs to which, for the node and for bags."""
