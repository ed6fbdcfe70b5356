"""How good and how steady detections in a bag are."""
