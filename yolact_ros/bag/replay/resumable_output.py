"""A long output in parts, each whole once it is there, so that a killed run can go on.

The parts lie in a folder beside the output, named after it. When all is done they are joined to
the one file that was asked for, and the folder goes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.io.writer import BagWriter

PLAN = 'plan.json'
UNFINISHED = 'unfinished'


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Args:
        time: Of recording of the last image that was done, ns; None is before the first.
        at_time: How many of those that were recorded at that very time are done.
        counts: Images of each topic so far, those not taken included.
        images: That were processed.
        skipped: That could not be read.
        instances: Found so far, by class.
    """

    time: int | None = None
    at_time: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    images: int = 0
    skipped: int = 0
    instances: dict[str, int] = field(default_factory=dict)


def folder_of_parts(output: Path) -> Path:
    """Return where the parts of an output lie."""
    return output.with_name(f'{output.name}.parts')


class Parts:
    """The parts of one output.

    Args:
        output: An ``.mcap`` file, or a folder that does not exist.
        plan: All that decides what the output is; parts of another plan are refused.
        topics: Type of each topic of the output.
        restart: Drop parts that are there.

    Raises:
        InputError: The parts that are there belong to another plan, or the output is in the way.
    """

    def __init__(
        self, output: Path, plan: Mapping[str, Any], topics: Mapping[str, str], restart: bool
    ) -> None:
        self.folder = folder_of_parts(output)
        self._output = output
        self._topics = topics
        if output.is_dir() or (output.exists() and output.suffix != '.mcap'):
            raise InputError(f'output must be an .mcap file or a new folder, got {str(output)!r}')
        if restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        self._check_plan(plan)
        shutil.rmtree(self.folder / UNFINISHED, ignore_errors=True)
        self.progress = self._read_progress()

    def open(self) -> BagWriter:
        """Open the next part."""
        return BagWriter(self.folder / UNFINISHED, self._topics)

    def close(self, writer: BagWriter, progress: Progress) -> None:
        """Count a part that was written as done."""
        stem = f'{len(self._files()):06d}'
        with replace_when_done(self.folder / f'{stem}.json') as unfinished:
            unfinished.write_text(json.dumps(asdict(progress)))
        writer.path.replace(self.folder / f'{stem}.mcap')
        shutil.rmtree(self.folder / UNFINISHED)
        self.progress = progress

    def discard(self) -> None:
        """Drop a part that was not finished; without any part, drop the folder."""
        shutil.rmtree(self.folder / UNFINISHED, ignore_errors=True)
        if not self._files():
            shutil.rmtree(self.folder, ignore_errors=True)

    def join(self) -> None:
        """Make the output of the parts, and drop them."""
        whole = self.folder / UNFINISHED / (self._output.stem or self._output.name)
        shutil.rmtree(whole.parent, ignore_errors=True)
        with BagWriter(whole, self._topics) as writer:
            for file in self._files():
                with Bag(file, _refuse) as bag:
                    for entry in bag.entries(list(self._topics)):
                        writer.write_data(entry.topic, entry.time, entry.data)
        (writer.path if self._output.suffix == '.mcap' else whole).replace(self._output)
        shutil.rmtree(self.folder)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob('*.mcap'))

    def _check_plan(self, plan: Mapping[str, Any]) -> None:
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

    def _read_progress(self) -> Progress:
        files = self._files()
        if not files:
            return Progress()
        path = files[-1].with_suffix('.json')
        try:
            return Progress(**json.loads(path.read_text()))
        except (OSError, TypeError, ValueError) as error:
            raise InputError(f'{path} must be readable: {error}; --restart drops it') from error


def _refuse(damage: str) -> None:
    raise InputError(f'{damage}; --restart drops it')
