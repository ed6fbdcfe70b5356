"""The process of a program of ROS: how it joins ROS, and how it ends."""
