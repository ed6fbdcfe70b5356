"""Videos that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done

CODEC = 'mp4v'  # MPEG-4 part 2: the one that every build of OpenCV can write into .mp4
LONGEST_PAUSE = 60.0  # seconds for which one image is shown
Add = Callable[..., None]


@contextmanager
def write_video(path: Path, fps: float) -> Iterator[Add]:
    """Give a function that adds an image, RGB (H, W, 3), and when to show it, to an mp4 file.

    Args:
        path: An older file is replaced only when the new one is complete.
        fps: Images per second.

    Raises:
        InputError: The video cannot be written.
    """
    with replace_when_done(path) as unfinished:
        video = _Video(path, unfinished, fps)
        try:
            yield video.add
        finally:
            video.close()
        video.check()


class _Video:
    """A video of a constant rate, in which an image stays until the time of the next.

    Args:
        path: Name of the video in errors.
        unfinished: File to write to.
        fps: Images per second.
    """

    def __init__(self, path: Path, unfinished: Path, fps: float) -> None:
        self._path = path
        self._unfinished = unfinished
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._shown = np.zeros((0, 0, 3), dtype=np.uint8)
        self._count = 0
        self._skipped = 0  # images that a longer pause would have taken

    def add(self, rgb: npt.NDArray[np.uint8], seconds: float | None = None) -> None:
        """Add an image.

        Args:
            rgb: The image; the first one sets the size, and others are resized to it.
            seconds: Time since the first image. Default: right after the one before.
        """
        bgr = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), dtype=np.uint8)
        if self._writer is None:
            self._writer, self._shown = self._open(bgr.shape[1::-1]), bgr
        if seconds is not None:
            pause = round(seconds * self._fps) - self._skipped - self._count
            longest = round(LONGEST_PAUSE * self._fps)
            self._skipped += max(0, pause - longest)
            for _ in range(min(pause, longest)):
                self._write(self._shown)
        if bgr.shape != self._shown.shape:
            bgr = np.asarray(cv2.resize(bgr, self._shown.shape[1::-1]), dtype=np.uint8)
        self._shown = bgr
        self._write(bgr)

    def close(self) -> None:
        """Write the end."""
        if self._writer is not None:
            self._writer.release()

    def check(self) -> None:
        """Look whether all is in the file, for OpenCV does not say what it could not write.

        Raises:
            InputError: Something is missing.
        """
        capture = cv2.VideoCapture(str(self._unfinished), cv2.CAP_FFMPEG)
        found = int(max(0.0, capture.get(cv2.CAP_PROP_FRAME_COUNT)))
        capture.release()
        if found != self._count or not found:
            raise InputError(
                f'{self._path} must hold {max(1, self._count)} images, but {found} are in it: '
                f'is the disk full?'
            )

    def _open(self, size: tuple[int, ...]) -> cv2.VideoWriter:
        codec = cv2.VideoWriter.fourcc(*CODEC)
        writer = cv2.VideoWriter(str(self._unfinished), cv2.CAP_FFMPEG, codec, self._fps, size)
        if not writer.isOpened():
            raise InputError(f'{self._path} must be writable as mp4 ({CODEC}) by OpenCV')
        return writer

    def _write(self, bgr: npt.NDArray[np.uint8]) -> None:
        if os.statvfs(self._unfinished).f_bfree == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        if self._writer is not None:
            self._writer.write(bgr)
        self._count += 1
