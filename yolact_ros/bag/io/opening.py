"""Open the files of a bag, as many as can be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import Any

from yolact_core.errors import InputError
from yolact_ros.bag.io.storage import (
    ROS1_SUFFIX,
    Loss,
    ReportLoss,
    Ros1Storage,
    Storage,
    describe,
)

FILE_SUFFIXES = ('.mcap', '.db3', ROS1_SUFFIX)
PACKED_SUFFIX = '.zstd'  # of files that rosbag2 compressed as a whole
METADATA = 'metadata.yaml'


def is_bag(path: Path) -> bool:
    """Return whether a path looks like a bag: a file of one, or a folder that has one."""
    return any(map(_is_file_of_bag, path.iterdir())) if path.is_dir() else _is_file_of_bag(path)


@dataclass(frozen=True)
class Metadata:
    """What the metadata of a bag say.

    Args:
        files: Files of the bag.
        messages: Number of messages; None if they do not say it.
        times: Times of the first and of the last message, ns since 1970, if they say them.
    """

    files: list[Path]
    messages: int | None = None
    times: tuple[int | None, int | None] = (None, None)


def open_storages(
    path: Path, on_loss: ReportLoss, stack: ExitStack, *, is_ros1_welcome: bool
) -> list[Storage]:
    """Open the files of a bag, each as far as it is whole.

    Args:
        path: A folder or a file.
        on_loss: Function that is given what is wrong.
        stack: Stack that closes the files.
        is_ros1_welcome: Whether a bag of ROS 1 will do.

    Raises:
        InputError: Nothing of it can be read.
    """
    losses: list[Loss] = []
    storages: list[Storage] = []
    metadata = _list_files(path, losses)
    for file in metadata.files:
        place = '' if file == path else f'{file.name}: '
        try:
            storage = _open_file(file, stack, is_ros1_welcome)
        except Exception as error:  # each format and compression has its own
            losses.append(Loss(f'{place}{describe(error)}', size=_size_of(file)))
            continue
        stack.callback(storage.close)
        storages.append(storage)
        losses += [replace(one, reason=place + one.reason) for one in storage.losses]
    if not storages:
        kind = 'a bag' if is_ros1_welcome else 'a bag of ROS 2'
        reasons = '; '.join(loss.reason for loss in losses)
        raise InputError(f'{path} must be {kind} that can be read: {reasons or "it is empty"}')
    losses += _hold_against(metadata, storages, losses)
    for loss in losses:
        on_loss(loss)
    return storages


def _hold_against(
    metadata: Metadata, storages: list[Storage], losses: list[Loss]
) -> Iterator[Loss]:
    """Give what the metadata lead to expect, beyond what is known to be lost."""
    found = sum(topic.count for storage in storages for topic in storage.topics)
    stated = found if metadata.messages is None else metadata.messages
    known = sum(loss.messages or 0 for loss in losses)
    if stated in (found, found + known):
        return
    reason = f'{METADATA} counts {stated} messages, and {found} are there'
    if stated <= found + known:
        yield Loss(reason, messages=0)
        return
    times = [storage.times for storage in storages if storage.times is not None]
    first, last = metadata.times
    is_lost_at_end = last is not None and all(end <= last for _, end in times)
    yield Loss(
        reason,
        messages=stated - found - known,
        start=max((end - 1 for _, end in times), default=first) if is_lost_at_end else first,
        end=last,
    )


def _size_of(file: Path) -> int | None:
    return file.stat().st_size if file.exists() else None


def _is_file_of_bag(path: Path) -> bool:
    return Path(path.name.removesuffix(PACKED_SUFFIX)).suffix in FILE_SUFFIXES


def _list_files(path: Path, losses: list[Loss]) -> Metadata:
    """Return the files of a bag: those that its metadata name, and all others that may be some.

    Args:
        path: A folder or a file.
        losses: Gets what is wrong with the metadata.
    """
    if not path.is_dir():
        return Metadata([path])
    there = sorted(child for child in path.iterdir() if _is_file_of_bag(child))
    names = {one.name for one in there}
    there = [one for one in there if _bare(one) == one.name or _bare(one) not in names]
    try:
        metadata = _read_metadata(path)
    except Exception as error:  # of the file system, of YAML, or of what stands there
        losses.append(Loss(f'{METADATA} cannot be used: {describe(error)}', messages=0))
        return Metadata(there)
    are_there = metadata.files and all(one.exists() for one in metadata.files)
    if are_there and {*map(_bare, there)} == {*map(_bare, metadata.files)}:
        return metadata
    named, found = (', '.join(one.name for one in files) for files in (metadata.files, there))
    reason = (
        f'{METADATA} must name the files that are there ({found or "none"}), got {named or "none"}'
    )
    losses.append(Loss(reason, messages=0))
    return replace(metadata, files=there)


def _locate(folder: Path, name: str) -> Path:
    """Return where a file of a bag is, by its name in the metadata."""
    path = folder / PurePath(name).name
    packed = path.with_name(path.name + PACKED_SUFFIX)
    return packed if packed.exists() and not path.exists() else path


def _bare(file: Path) -> str:
    """Return the name of a file as it is when decompressed."""
    return file.name.removesuffix(PACKED_SUFFIX)


def _read_metadata(folder: Path) -> Metadata:
    """Return what the metadata of a bag say.

    Raises:
        Exception: There are no metadata, or they are something else.
    """
    from yolact_core.records import read_yaml  # whose libraries the help does without

    if not (folder / METADATA).exists():
        raise InputError('it is missing')
    content = read_yaml(folder / METADATA)
    try:
        facts: dict[str, Any] = content['rosbag2_bagfile_information']
        names = dict.fromkeys(facts['relative_file_paths'])
        files = [_locate(folder, name) for name in names]
    except (KeyError, TypeError) as error:
        raise InputError('it must name the files of the bag') from error
    try:
        first = int(facts['starting_time']['nanoseconds_since_epoch'])
        last = first + int(facts['duration']['nanoseconds'])
        return Metadata(files, int(facts['message_count']), (first, last))
    except (KeyError, TypeError, ValueError):
        return Metadata(files)


def _open_file(path: Path, stack: ExitStack, is_ros1_welcome: bool) -> Storage:
    """Open one file of a bag.

    Raises:
        Exception: It cannot be read; each format and compression has exceptions of its own.
    """
    if path.suffix == PACKED_SUFFIX:
        path = _unpack(path, Path(stack.enter_context(TemporaryDirectory())))
    if path.suffix == '.mcap':
        from yolact_ros.bag.io.mcap_opening import open_mcap

        return open_mcap(path)
    if path.suffix == '.db3':
        from yolact_ros.bag.io.sqlite_storage import open_sqlite

        return open_sqlite(path, stack)
    if path.suffix != ROS1_SUFFIX:
        raise InputError(f'its name must end in {", ".join(FILE_SUFFIXES)}')
    if not is_ros1_welcome:
        raise InputError('it is a bag of ROS 1')
    return Ros1Storage(path)


def _unpack(path: Path, folder: Path) -> Path:
    """Decompress a file into a folder, and return where it is."""
    import zstandard

    target = folder / path.stem
    with path.open('rb') as source, target.open('wb') as file:
        reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
        shutil.copyfileobj(reader, file)
    return target
