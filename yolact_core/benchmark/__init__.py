"""How fast models are, side by side."""
