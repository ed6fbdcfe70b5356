"""The ROS 2 side: a node, a player of recorded images, and decoders for those who read masks."""
