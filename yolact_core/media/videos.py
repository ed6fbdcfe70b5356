"""Videos, cameras and streams, one image at a time."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.media.containers import VideoFile, examine

MOST_PIXELS = 2**26  # of an image; a few kilobytes may declare gigabytes
USUAL_FPS = 30.0  # where a camera or file does not say
HIGHEST_FPS = 240.0  # what says more counts the ticks of a clock
SAMPLE = 100  # images from which the rate is measured
TOLERANCE = 1.1  # ratio of the rate that is measured to the one that a file says
PATIENCE = 10_000.0  # milliseconds that a stream has to answer
ATTEMPTS = 3  # to open a stream or camera again that was lost
PAUSE = 1.0  # seconds between them

logger = logging.getLogger(__name__)


class VideoReader:
    """Reads the images of a video file, a camera or a stream.

    A camera or stream that is lost is opened again, which is logged.

    Args:
        device: A file, the index of a camera, or the address of a stream.

    Attributes:
        name: What it is, without a password.
        fps: Images per second; of a file with images at irregular times, the usual rate.
        length: How many images the file says that it has, if it says so exactly.
        images_read: How many were read so far, those skipped included.
        seconds: Time of the last image that was read, since the first.
        is_live: Whether it is a camera or a stream, whose images wait for nobody.

    Raises:
        InputError: It cannot be opened.
    """

    def __init__(self, device: Path | int | str) -> None:
        self.name = _describe(device)
        self._device = device
        self._capture = _open(device)
        if not self._capture.isOpened():
            raise InputError(f'{self.name} must be one that can be opened')
        self._check_size()
        count = int(max(0.0, self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        self.fps, file = self._read_fps(), VideoFile(lacks_end=False, images=count or None)
        if isinstance(device, Path):
            self.fps = _measure_fps(device, self.fps)
            file = examine(device, count, self._read_fps())
        self.length, self._lacks_end = file.images, file.lacks_end
        self.is_live = isinstance(device, int) or (isinstance(device, str) and count == 0)
        self._began = 0.0
        self._is_lost = False
        self.images_read = 0
        self.seconds = 0.0

    def _check_size(self) -> None:
        width = self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)
        height = self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MOST_PIXELS:
            raise InputError(
                f'{self.name} must have images of at most {MOST_PIXELS} pixels, '
                f'got {width:.0f} x {height:.0f}'
            )

    def images(self, every: int = 1) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
        """Iterate over the position, from 0, and RGB of every so-many-th image.

        Raises:
            InputError: There is not a single image.
        """
        while self._capture.grab() or self._open_again():
            self._note_time()
            if self.images_read % every == 0:
                is_decoded, bgr = self._capture.retrieve()
                if not is_decoded:
                    break
                rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
                yield self.images_read, rgb
            self.images_read += 1
        if self.images_read == 0:
            raise InputError(f'{self.name} must hold at least one image that can be decoded')

    def require_whole(self) -> None:
        """Check, after the last image, that nothing was lost.

        Raises:
            InputError: The end of a file is missing, much of it cannot be decoded, or a camera or
                stream was lost.
        """
        if self._is_lost:
            raise InputError(f'{self.name} must go on, got {self.images_read} images and no more')
        if self._lacks_end:
            raise InputError(
                f'{self.name} must be whole, but its end is missing: '
                f'{self.images_read} images can be read'
            )
        if self.length is not None and self.images_read < 0.98 * self.length - 2:
            raise InputError(
                f'{self.name} must be whole, but of {self.length} images '
                f'{self.images_read} can be read'
            )

    def close(self) -> None:
        """Let go of the file, camera or stream."""
        self._capture.release()

    def _read_fps(self) -> float:
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        return fps if math.isfinite(fps) and 0 < fps <= HIGHEST_FPS else USUAL_FPS

    def _note_time(self) -> None:
        """Note when the image was taken that was grabbed: live ones by the clock."""
        now = time.monotonic() if self.is_live else self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        if self.images_read == 0:
            self._began = now
            return
        seconds = now - self._began
        self.seconds = seconds if seconds > self.seconds else self.seconds + 1 / self.fps

    def _open_again(self) -> bool:
        """Open a camera or stream that was lost, and grab its next image."""
        for _ in range(ATTEMPTS if self.is_live and self.images_read else 0):
            logger.warning('%s gives no more images, opening it again', self.name)
            self._capture.release()
            time.sleep(PAUSE)
            self._capture = _open(self._device)
            if self._capture.grab():
                return True
        self._is_lost = self.is_live
        return False


def _open(device: Path | int | str) -> cv2.VideoCapture:
    if isinstance(device, str):
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        options = [int(number) for limit in limits for number in (limit, PATIENCE)]
        return cv2.VideoCapture(device, cv2.CAP_FFMPEG, options)
    return cv2.VideoCapture(device if isinstance(device, int) else str(device))


def _describe(device: Path | int | str) -> str:
    if isinstance(device, str):
        return f'stream {re.sub("//[^/]*@", "//", device)}'
    return f'{"camera" if isinstance(device, int) else "video"} {device}'


def _measure_fps(path: Path, said: float) -> float:
    """Return the rate of the first images where it is not what the file says."""
    capture = cv2.VideoCapture(str(path))
    times: list[float] = []
    while len(times) <= SAMPLE and capture.grab():
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3)
    capture.release()
    steps = np.diff(times)
    steps = steps[steps > 1 / HIGHEST_FPS]
    if len(steps) == 0:
        return said
    measured = float(1 / np.percentile(steps, 10))  # the images that come fast are shown, too
    return said if 1 / TOLERANCE < measured / said < TOLERANCE else measured
