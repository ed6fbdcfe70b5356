"""Find where the messages of an mcap file are, even without an index or after damage.

The end of a whole file lists its chunks. Where that end is missing or does not list everything,
the file is walked from record to record instead; only their heads are read. Either way the result
is a list of stretches, each of which can be read by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from yolact_core.errors import InputError
from yolact_ros.bag.io.mcap_records import MAGIC
from yolact_ros.bag.io.mcap_storage import Contents, McapStorage
from yolact_ros.bag.io.mcap_summary import read_summary
from yolact_ros.bag.io.mcap_walk import walk
from yolact_ros.bag.io.storage import Loss, describe


def open_mcap(path: Path) -> McapStorage:
    """Open an mcap file.

    Raises:
        InputError: It is no mcap file, or nothing of it is whole.
    """
    file = path.open('rb')
    try:
        return McapStorage(file, _find_contents(file, path.stat().st_size))
    except BaseException:
        file.close()
        raise


def _find_contents(file: BinaryIO, size: int) -> Contents:
    """Return what a file holds, from its end or else from all of it.

    Raises:
        InputError: It is no mcap file, or nothing of it is whole.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise InputError('it does not begin as an mcap file does')
    end = ''
    try:
        if contents := read_summary(file, size):
            return contents
    except Exception as error:  # of whatever is taken for an end
        end = f'its end cannot be read: {describe(error)}'
    contents = walk(file, size)
    _hold_against_definitions(contents)
    if end and not contents.losses:
        contents.losses.append(Loss(end, messages=0))
    if contents.losses and not contents.counts:
        reasons = '; '.join(dict.fromkeys(loss.reason for loss in contents.losses))
        raise InputError(f'{reasons}; there is not one whole message in it')
    return contents


def _hold_against_definitions(contents: Contents) -> None:
    """Note what the statistics or the channels of a file lead to expect, but is not there."""
    summary, counts = contents.summary, contents.counts
    if summary.statistics and not contents.has_stated_counts:
        found, stated = counts.total(), summary.statistics.message_count
        reason = f'it must hold {stated} messages, but has {found}'
        if found == stated:
            reason = 'its statistics count other messages of each channel than there are'
        contents.losses.append(Loss(reason, messages=max(stated - found, 0)))
    if nameless := sum(counts[one] for one in counts.keys() - summary.channels.keys()):
        contents.losses.append(Loss('it does not name the topics of all messages', nameless))
    defined = {0, *summary.schemas}
    untyped = [key for key, one in summary.channels.items() if one.schema_id not in defined]
    if lost := sum(counts[key] for key in untyped):
        contents.losses.append(Loss('it does not define the types of all messages', lost))
