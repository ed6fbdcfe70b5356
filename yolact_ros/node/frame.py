"""An image on its way through the node: as it came in, and as it was read."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Header = Any  # ``std_msgs/msg/Header``


@dataclass(frozen=True)
class Frame:
    """An image as it came in.

    Args:
        camera: Name of the camera; empty for the only one.
        data: Serialized message.
        arrival: When it was received, by ``time.monotonic``, seconds.
        clock: When it was received, by the node's clock, nanoseconds.
        reading: Image that is being read already; None: not yet.
    """

    camera: str
    data: bytes
    arrival: float
    clock: int
    reading: Future[Input] | None = None

    def drop(self) -> None:
        """Do not read it any more."""
        if self.reading is not None:
            self.reading.cancel()


@dataclass(frozen=True)
class Input:
    """A frame that was read.

    Args:
        frame: Frame as it came in.
        header: Header of its message.
        rgb: Image, shape (H, W, 3).
        age: Age when it was received, seconds; NaN without a stamp.
        decode: Seconds from message to image.
        wait: All other seconds until the worker had it.
    """

    frame: Frame
    header: Header
    rgb: npt.NDArray[np.uint8]
    age: float
    decode: float
    wait: float = 0.0
