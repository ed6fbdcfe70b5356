"""The node: from a camera to its topics."""
