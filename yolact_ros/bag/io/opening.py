"""Open the files of a bag, as many as can be read."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from yolact_core.errors import InputError
from yolact_ros.bag.io.storage import ROS1_SUFFIX, ReportDamage, RosbagsStorage, Storage, describe

FILE_SUFFIXES = ('.mcap', '.db3', ROS1_SUFFIX)
PACKED_SUFFIX = '.zstd'  # of files that rosbag2 compressed as a whole
METADATA = 'metadata.yaml'


def is_bag(path: Path) -> bool:
    """Return whether a path looks like a bag: a file of one, or a folder that has one."""
    return any(map(_is_file_of_bag, path.iterdir())) if path.is_dir() else _is_file_of_bag(path)


def open_storages(
    path: Path, on_damage: ReportDamage, stack: ExitStack, *, is_ros1_welcome: bool
) -> list[Storage]:
    """Open the files of a bag, each as far as it is whole.

    Args:
        path: A folder or a file.
        on_damage: Function that is given one sentence about all that is wrong.
        stack: Stack that closes the files.
        is_ros1_welcome: Whether a bag of ROS 1 will do.

    Raises:
        InputError: Nothing of it can be read.
    """
    reasons: list[str] = []
    storages: list[Storage] = []
    for file in _list_files(path, reasons):
        place = '' if file == path else f'{file.name}: '
        try:
            storage = _open_file(file, stack, is_ros1_welcome)
        except Exception as error:  # each format and compression has its own
            reasons.append(place + describe(error))
            continue
        stack.callback(storage.close)
        storages.append(storage)
        if storage.damage:
            reasons.append(place + storage.damage)
    reason = '; '.join(reasons)
    if not storages:
        kind = 'a bag' if is_ros1_welcome else 'a bag of ROS 2'
        raise InputError(f'{path} must be {kind} that can be read: {reason}')
    if reasons:
        on_damage(f'bag {path} must be whole; what is whole of it is read: {reason}')
    return storages


def _is_file_of_bag(path: Path) -> bool:
    return Path(path.name.removesuffix(PACKED_SUFFIX)).suffix in FILE_SUFFIXES


def _list_files(path: Path, reasons: list[str]) -> list[Path]:
    """Return the files of a bag: those that its metadata name, or else all that may be some.

    Args:
        path: A folder or a file.
        reasons: Gets what is wrong with the metadata.
    """
    if not path.is_dir():
        return [path]
    try:
        return _read_metadata(path)
    except Exception as error:  # of the file system, of YAML, or of what stands there
        reasons.append(f'{METADATA} cannot be used: {describe(error)}')
    files = sorted(child for child in path.iterdir() if _is_file_of_bag(child))
    return [
        file for file in files if file.suffix != PACKED_SUFFIX or file.with_suffix('') not in files
    ]


def _read_metadata(folder: Path) -> list[Path]:
    """Return the files that the metadata of a bag name.

    Raises:
        Exception: There are no metadata, they are something else, or they name missing files.
    """
    from yolact_core.records import read_yaml  # whose libraries the help does without

    content = read_yaml(folder / METADATA)
    try:
        names = content['rosbag2_bagfile_information']['relative_file_paths']
        files = [folder / PurePath(name).name for name in names]
    except (KeyError, TypeError) as error:
        raise InputError('it must name the files of the bag') from error
    missing = [file.name for file in files if not file.exists()]
    if missing or not files:
        raise InputError(f'it must name files that exist, got {", ".join(missing) or "none"}')
    return files


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
    if path.suffix == ROS1_SUFFIX and not is_ros1_welcome:
        raise InputError('it is a bag of ROS 1')
    if path.suffix not in FILE_SUFFIXES:
        raise InputError(f'its name must end in {", ".join(FILE_SUFFIXES)}')
    return RosbagsStorage(path)


def _unpack(path: Path, folder: Path) -> Path:
    """Decompress a file into a folder, and return where it is."""
    import zstandard

    target = folder / path.stem
    with path.open('rb') as source, target.open('wb') as file:
        reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
        shutil.copyfileobj(reader, file)
    return target
