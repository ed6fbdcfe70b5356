"""A bag of results that is written in parts, each whole once it is there: a killed run goes on.

The parts lie in a folder beside the output, named after it. When all are done they are joined to
the one file that was asked for, and the folder goes. Each span of a bag has parts of its own, so
that several processes can write to one folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_ros.bag.io.bag import Bag, Entry, Loss
from yolact_ros.bag.io.writer import DISK_FULL, BagWriter

PLAN = 'plan.json'
UNFINISHED = 'unfinished'

Rewrite = Callable[[Bag, Entry], bytes | None]  # of a message of a part


@dataclass(frozen=True)
class Progress:
    """How far the output of a span has come.

    Args:
        time: Time of recording of the last image that was done, ns; None is before the first.
        at_time: How many of the images that were recorded at that very time are done.
        counts: Images of each topic so far, including those that were not taken.
        images: Number of images that were processed.
        skipped: Number of images that could not be read.
        first_skipped: Time of recording of the first of them, ns; None without any.
        last_skipped: Time of recording of the last of them, ns.
        instances: Number of instances found so far, by class.
        without_depth: Number of images that needed depth and to which none belongs.
        is_complete: Whether the span is done.
    """

    time: int | None = None
    at_time: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    images: int = 0
    skipped: int = 0
    first_skipped: int | None = None
    last_skipped: int | None = None
    instances: dict[str, int] = field(default_factory=dict)
    without_depth: int = 0
    is_complete: bool = False


def folder_of_parts(output: Path) -> Path:
    """Return the folder where the parts of an output lie."""
    return output.with_name(f'{output.name}.parts')


class SpanOutput:
    """The parts of one span, which are written by one process at a time.

    Args:
        output: Path of the whole output.
        number: Number of the span.
        topics: Type of each topic of the output.
        before: Progress before the first part.

    Attributes:
        folder: Folder of the parts of all spans.
        progress: How far the span has come, including what earlier runs did.

    Raises:
        InputError: The progress of an earlier run cannot be read.
    """

    def __init__(
        self, output: Path, number: int, topics: Mapping[str, str], before: Progress
    ) -> None:
        self.folder = folder_of_parts(output)
        self._topics = topics
        self._stem = f'{number:06d}'
        self._unfinished = self.folder / f'{self._stem}.unfinished'
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self.progress = _read_progress(self._list_parts()) or before

    def open(self) -> BagWriter:
        """Open the next part."""
        return BagWriter(self._unfinished, self._topics)

    def close(self, writer: BagWriter, progress: Progress) -> None:
        """Count a part that was written as done."""
        done = len(self._list_parts())
        path = self.folder / (f'{self._stem}_{done:06d}.mcap' if done else f'{self._stem}.mcap')
        with replace_when_done(path.with_suffix('.json')) as unfinished:
            unfinished.write_text(json.dumps(asdict(progress)))
        writer.path.replace(path)
        shutil.rmtree(self._unfinished)
        self.progress = progress

    def discard(self) -> None:
        """Drop a part that was not finished; without any part, drop the folder."""
        shutil.rmtree(self._unfinished, ignore_errors=True)
        _drop_without_parts(self.folder)

    def _list_parts(self) -> list[Path]:
        return sorted(self.folder.glob(f'{self._stem}*.mcap'))


class ResumableOutput:
    """The output of a run over a bag, in parts until it is complete.

    Args:
        output: Path of an ``.mcap`` file, or of a folder that does not exist.
        topics: Type of each topic of the output.

    Attributes:
        folder: Folder of the parts.
    """

    def __init__(self, output: Path, topics: Mapping[str, str]) -> None:
        self.folder = folder_of_parts(output)
        self._output = output
        self._topics = topics

    def begin(self, plan: Mapping[str, Any], restart: bool) -> None:
        """Begin, or go on with what an earlier run left unfinished.

        Args:
            plan: All that decides what the output is; parts of another plan are refused.
            restart: Whether to drop parts that are there.

        Raises:
            InputError: The parts that are there belong to another plan, or something that is no
                output lies in its place.
        """
        output = self._output
        if output.is_dir() or (output.exists() and output.suffix != '.mcap'):
            raise InputError(f'output must be an .mcap file or a new folder, got {str(output)!r}')
        if restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        text = json.dumps(plan, indent=2, sort_keys=True)
        path = self.folder / PLAN
        if not path.exists():
            with replace_when_done(path) as unfinished:
                unfinished.write_text(text)
        elif path.read_text() != text:
            raise InputError(
                f'{self.folder} must be left by the same command on the same bag, '
                f'but {PLAN} in it differs: --restart drops it'
            )

    def progress(self, number: int) -> Progress:
        """Return how far the span of a number has come."""
        return SpanOutput(self._output, number, self._topics, Progress()).progress

    def discard(self) -> None:
        """Drop the folder if there is no part in it."""
        _drop_without_parts(self.folder)

    def join(self, rewrite: Rewrite = lambda _, entry: entry.data) -> None:
        """Make the output of the parts, and drop them.

        Args:
            rewrite: Function that returns what is written in place of a message of a part, or
                None for nothing; the messages come in the order of recording.

        Raises:
            InputError: A part cannot be read or rewritten.
            OSError: The output cannot be written; all parts are kept.
        """
        unfinished = self.folder / UNFINISHED
        whole = unfinished / (self._output.stem or self._output.name)
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            with BagWriter(whole, self._topics) as writer:
                for part in sorted(self.folder.glob('*.mcap')):
                    with Bag(part, _refuse) as bag:
                        for entry in bag.entries([topic.name for topic in bag.topics]):
                            if (data := rewrite(bag, entry)) is not None:
                                writer.write_data(entry.topic, entry.time, data)
            (writer.path if self._output.suffix == '.mcap' else whole).replace(self._output)
        except OSError:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        shutil.rmtree(self.folder)


@contextmanager
def explain_full_disk(folder: Path, count_images: Callable[[], int]) -> Iterator[None]:
    """Turn the error that the disk is full into a sentence about what was done.

    Args:
        folder: Folder of the parts.
        count_images: Function that returns the number of images that are done.

    Raises:
        InputError: The disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        where = f' in {folder}' if folder.exists() else ''
        raise InputError(
            f'disk must have room for the results, but it is full ({error.strerror}); '
            f'{count_images()} images are done{where}, and the same command goes on'
        ) from error


def _read_progress(parts: Sequence[Path]) -> Progress | None:
    """Return the progress after the last part, if there is one."""
    if not parts:
        return None
    path = parts[-1].with_suffix('.json')
    try:
        return Progress(**json.loads(path.read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f'{path} must be readable: {error}; --restart drops it') from error


def _drop_without_parts(folder: Path) -> None:
    if not any(folder.glob('*.mcap')):
        shutil.rmtree(folder, ignore_errors=True)


def _refuse(loss: Loss) -> None:
    raise InputError(f'{loss}; --restart drops it')
