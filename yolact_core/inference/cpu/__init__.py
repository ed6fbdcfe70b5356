"""What is done on the CPU before and after the network."""
