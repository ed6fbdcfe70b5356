"""What the node knows and says about its own state."""
