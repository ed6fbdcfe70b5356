"""Parameters of depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yolact_ros.depth.registration import is_named_rectified
from yolact_ros.node.parameters import When, parameter


@dataclass(frozen=True)
class DepthSettings:
    """Which depth belongs to an image, and what it is taken for."""

    transport: Literal['raw', 'compressedDepth'] = parameter(
        'raw',
        'How depth comes: as Image, or as CompressedImage on the topic with /compressedDepth '
        'appended.',
        when=When.UNCONFIGURED,
    )
    rectified: Literal['auto', 'yes', 'no'] = parameter(
        'auto',
        "Whether image and depth are rectified; auto: where the image's topic is named rect.",
    )
    max_difference: float = parameter(
        0.0,
        'Take depth whose stamp differs by at most so many seconds, and never by more than half '
        'its period. 0: half its period.',
        (0.0, 10.0),
    )
    target_frame: str = parameter(
        '',
        "Level frame, z up, in which objects are given, by TF. Empty: the camera's own frame.",
    )

    def is_rectified(self, topic: str) -> bool:
        """Return whether the images of a topic are rectified."""
        if self.rectified == 'auto':
            return is_named_rectified(topic)
        return self.rectified == 'yes'
