"""Videos in files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from random import Random

import cv2
import numpy as np

from fuzz.mutation import mutate_bytes
from yolact_core.media.videos import VideoReader

CONTAINERS = {'.avi': 'MJPG', '.mkv': 'MJPG', '.mp4': 'mp4v', '.webm': 'VP80'}
SIZE = (32, 24)  # width, height
MOST_IMAGES = 5


def seeds() -> Iterable[bytes]:
    """Return three images in each container that this OpenCV writes."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix, codec in CONTAINERS.items():
            path = Path(folder) / f'video{suffix}'
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, SIZE)
            for shade in (0, 100, 200):
                writer.write(np.full((*SIZE[::-1], 3), shade, np.uint8))
            writer.release()
            if path.exists():
                yield path.read_bytes()


def mutate(data: bytes, random: Random) -> bytes:
    """Change bytes."""
    return mutate_bytes(data, random)


def run(data: bytes, folder: Path) -> None:
    """Read the first images of a video, whatever its name says."""
    path = folder / 'video.mp4'
    path.write_bytes(data)
    with closing(VideoReader(path)) as video:
        for _ in islice(video.images(), MOST_IMAGES):
            pass
        video.require_whole()
