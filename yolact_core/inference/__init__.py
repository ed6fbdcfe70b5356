"""From an image to its detections, around the network."""
