"""Bags without ROS: read and written directly, every frame, always with the same result.

Needs rosbags alone (``pip install 'yolact[bags]'``). The command ``yolact bag`` is made of this.
"""
