"""What comes from outside, one kind a module, each as ``fuzz.target`` describes it."""
