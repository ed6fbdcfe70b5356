"""``yolact_player``: a bag, a video or a folder of images, published as a camera would."""

from yolact_ros.player.command import main

__all__ = ['main']
