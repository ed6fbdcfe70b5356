"""Open the files of a bag, as many as can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_ros.bag.io.truncated_mcap import SalvagedFile

ROS1_SUFFIX = '.bag'
FILE_SUFFIXES = ('.mcap', '.db3', ROS1_SUFFIX)


def open_readers(path: Path, on_damage: Callable[[str], None]) -> list[Any]:
    """Open a bag, or else its files one by one, and as much of each as is whole.

    Args:
        path: A folder or a file.
        on_damage: Is told in one sentence what is wrong.

    Returns:
        Readers of rosbags, open.

    Raises:
        InputError: Nothing of it can be read.
    """
    try:
        return [_open_file(path)]
    except Exception as error:  # sqlite3, mcap and YAML each have their own
        reason = ' '.join(str(error).split())
    files = (
        sorted(child for child in path.iterdir() if child.suffix in FILE_SUFFIXES)
        if path.is_dir()
        else [path]
    )
    readers = [reader for file in files if (reader := _open_damaged(file)) is not None]
    if not readers:
        raise InputError(f'{path} must be a bag that can be read: {reason}')
    on_damage(f'bag {path} must be whole; what is whole of it is read: {reason}')
    return readers


def is_ros1(reader: Any) -> bool:  # noqa: ANN401 - a reader of rosbags
    """Return whether messages are serialized as ROS 1 does it."""
    from rosbags.rosbag1 import Reader as Reader1

    return isinstance(reader, Reader1)


def _open_file(path: Any) -> Any:  # noqa: ANN401 - a path, or what stands for one
    from rosbags.rosbag1 import Reader as Reader1
    from rosbags.rosbag2 import Reader as Reader2

    is_single_file = path.suffix == ROS1_SUFFIX and path.is_file()
    reader = Reader1(path) if is_single_file else Reader2(path)
    reader.open()
    return reader


def _open_damaged(path: Path) -> Any:  # noqa: ANN401 - a reader, or None
    attempts: list[Callable[[], Any]] = [lambda: path]
    if path.suffix == '.mcap':
        attempts.append(lambda: SalvagedFile(path))
    for attempt in attempts:
        try:
            return _open_file(attempt())
        except Exception:
            continue
    return None
