"""Objects on request."""
