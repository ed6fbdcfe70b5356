"""Where images come from: files, folders, patterns, cameras and streams, opened when needed."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from yolact_core.errors import InputError
from yolact_core.media.image_files import is_hidden, is_image_file

VIDEO_SUFFIXES = frozenset((
    '.3gp', '.asf', '.avi', '.flv', '.h264', '.h265', '.m2ts', '.m4v', '.mjpeg', '.mjpg', '.mkv',
    '.mov', '.mp4', '.mpeg', '.mpg', '.mts', '.ogv', '.ts', '.vob', '.webm', '.wmv',
))  # fmt: skip
STREAM = re.compile(r'(rtsps?|https?|udp|tcp|rtp|rtmp|srt)://([^/]*@)?[^/@]', re.IGNORECASE)


@dataclass(frozen=True)
class ImageFile:
    """One image.

    Args:
        path: The file.
        name: Shortest end of its path that no other source has.
        stem: The name without suffix, if no other source has the same.
    """

    path: Path
    name: str
    stem: str


@dataclass(frozen=True)
class Video:
    """A video, a camera or a stream.

    Args:
        device: The file, the index of the camera, or the address of the stream.
        name: Shortest end of its path that no other source has.
        stem: The name without suffix, if no other source has the same.
    """

    device: Path | int | str
    name: str
    stem: str


def find_sources(arguments: Sequence[str]) -> list[ImageFile | Video]:
    """Find images, videos and cameras without opening them.

    Args:
        arguments: Each a file, a folder (the images and videos right in it), a pattern such as
            ``runs/**/*.jpg``, the index of a camera, or the address of a stream, such as
            ``rtsp://camera/live``. What is named twice counts once.

    Returns:
        In the order of the arguments, within a folder or pattern by name.

    Raises:
        InputError: An argument names nothing.
    """
    by_path: dict[Path, Path | int | str] = {}
    for argument in arguments:
        for device in _expand(argument):
            by_path.setdefault(_path_of(device), device)
    names = _tell_apart(list(by_path))
    return [
        ImageFile(device, name, stem)
        if isinstance(device, Path) and device.suffix.lower() not in VIDEO_SUFFIXES
        else Video(device, name, stem)
        for device, (name, stem) in zip(by_path.values(), names, strict=True)
    ]


def _expand(argument: str) -> list[Path | int | str]:
    if STREAM.match(argument):
        return [argument]
    path = Path(argument)
    if argument and path.is_dir():
        return _look_into(path)
    if argument and path.exists():
        return [path]
    if argument.isascii() and argument.isdigit():
        return [int(argument)]
    if glob.has_magic(argument):
        matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207 - absolute patterns
        files: list[Path | int | str] = [match for match in matches if _is_known(match)]
        if not files:
            raise InputError(f'pattern must match an image or a video, got {argument!r}')
        return files
    raise InputError(
        f'source must be an image, a video, a folder, a pattern, the index of a camera or the '
        f'address of a stream, and exist, got {argument!r}'
    )


def _look_into(folder: Path) -> list[Path | int | str]:
    files: list[Path | int | str] = [
        path
        for path in sorted(folder.iterdir())
        if _is_known(path) and not is_hidden(path, folder)
    ]
    if not files:
        raise InputError(f'folder must hold an image or a video, got {str(folder)!r}')
    return files


def _is_known(path: Path) -> bool:
    return is_image_file(path) or (path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())


def _path_of(device: Path | int | str) -> Path:
    if isinstance(device, int):
        return Path(f'camera{device}')
    if isinstance(device, str):  # a name for files, without scheme and password
        return Path(re.sub(r'\W+', '_', re.sub(r'.*?://([^/]*@)?', '', device)))
    return Path(os.path.abspath(device))  # noqa: PTH100 - resolve() would follow links


def _tell_apart(paths: list[Path]) -> list[tuple[str, str]]:
    """Return the shortest end of each path that no other has, and that without its suffix.

    Letter case does not tell names apart, since it does not on some file systems. Where the
    suffix alone does, it stays in the stem.
    """

    def stem_of(name: str) -> str:
        return str(PurePosixPath(name).with_suffix(''))

    names = _shorten(paths)
    stems = Counter(stem_of(name).casefold() for name in names)
    return [
        (name, stem_of(name) if stems[stem_of(name).casefold()] == 1 else name) for name in names
    ]


def _shorten(paths: list[Path]) -> list[str]:
    """Return the shortest end of each path that is no end of another's."""
    names = [path.name for path in paths]
    for parts in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        counts = Counter(name.casefold() for name in names)
        if max(counts.values()) == 1:
            break
        names = [
            name if counts[name.casefold()] == 1 else '/'.join(path.parts[-parts:]).lstrip('/')
            for name, path in zip(names, paths, strict=True)
        ]
    return names
