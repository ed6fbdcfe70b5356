"""The one object that is followed."""
