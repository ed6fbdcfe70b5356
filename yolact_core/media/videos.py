"""Videos and cameras, one image at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done

CODEC = 'mp4v'  # MPEG-4 part 2: the one that every build of OpenCV can write into .mp4
USUAL_FPS = 30.0  # where a camera or file does not say
HIGHEST_FPS = 1000.0


class VideoReader:
    """Reads the images of a video file or a camera.

    Args:
        device: A file, or the index of a camera.

    Attributes:
        fps: Images per second.
        length: How many images the file says that it has, or None; a camera has no end.
        images_read: How many were read so far, those skipped included.

    Raises:
        InputError: It cannot be opened.
    """

    def __init__(self, device: Path | int) -> None:
        self._device = device
        self._capture = cv2.VideoCapture(device if isinstance(device, int) else str(device))
        if not self._capture.isOpened():
            kind = 'camera' if isinstance(device, int) else 'video'
            raise InputError(f'{kind} {device} must be one that can be opened')
        self.fps = self._read_fps()
        self.length = self._read_length()
        self.images_read = 0

    @property
    def is_cut_off(self) -> bool:
        """Whether far fewer images could be read than the file says that it has."""
        return self.length is not None and self.images_read < 0.9 * self.length - 1

    def images(self, every: int = 1) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
        """Iterate over the position, from 0, and RGB of every so-many-th image.

        Raises:
            InputError: There is not a single image.
        """
        while self._capture.grab():
            if self.images_read % every == 0:
                is_decoded, bgr = self._capture.retrieve()
                if not is_decoded:
                    break
                rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
                yield self.images_read, rgb
            self.images_read += 1
        if self.images_read == 0:
            raise InputError(f'{self._device} must hold at least one image that can be decoded')

    def close(self) -> None:
        """Let go of the file or camera."""
        self._capture.release()

    def _read_fps(self) -> float:
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        return fps if math.isfinite(fps) and 0 < fps <= HIGHEST_FPS else USUAL_FPS

    def _read_length(self) -> int | None:
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return int(count) if count > 0 and not isinstance(self._device, int) else None


@contextmanager
def write_video(path: Path, fps: float) -> Iterator[Callable[[npt.NDArray[np.uint8]], None]]:
    """Give a function that adds an image, RGB (H, W, 3), to an mp4 file.

    The first image sets the size; others are resized to it.

    Args:
        path: An older file is replaced only when the new one is complete.
        fps: Images per second.

    Raises:
        InputError: The video cannot be written.
    """
    writer: cv2.VideoWriter | None = None
    size = (0, 0)  # width and height, as OpenCV wants it

    def add(rgb: npt.NDArray[np.uint8]) -> None:
        nonlocal writer, size
        if writer is None:
            size = (rgb.shape[1], rgb.shape[0])
            codec = cv2.VideoWriter.fourcc(*CODEC)
            writer = cv2.VideoWriter(str(unfinished), cv2.CAP_FFMPEG, codec, fps, size)
            if not writer.isOpened():
                raise InputError(f'{path} must be writable as mp4 ({CODEC}) by OpenCV')
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        writer.write(bgr if bgr.shape[1::-1] == size else cv2.resize(bgr, size))

    with replace_when_done(path) as unfinished:
        try:
            yield add
        finally:
            if writer is not None:
                writer.release()
