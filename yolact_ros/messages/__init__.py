"""Messages about what was found."""
