"""The demo: a camera, the node and a listener as separate programs, and a report at the end."""
