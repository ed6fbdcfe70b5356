"""Images of a bag, and results written as a bag."""
