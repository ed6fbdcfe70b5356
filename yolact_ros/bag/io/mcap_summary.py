"""What the end of an mcap file says about all of it."""

from __future__ import annotations

import os
from collections import Counter
from typing import BinaryIO

from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import ChunkIndex

from yolact_core.errors import InputError
from yolact_ros.bag.io.mcap_records import (
    CHUNK_HEAD,
    INDEX_HEAD,
    INDEX_ITEM,
    MAGIC,
    RECORD,
    read_head,
)
from yolact_ros.bag.io.mcap_storage import Contents, Stretch

INDEX_RECORD = RECORD.size + INDEX_HEAD.size  # bytes before the items of an index


def read_summary(file: BinaryIO, size: int) -> Contents | None:
    """Return what the end of a file says about it; None if that is not all there is.

    Raises:
        Exception: There is no end, or it is damaged.
    """
    file.seek(-len(MAGIC), os.SEEK_END)
    if file.read() != MAGIC:
        raise InputError('it does not end as an mcap file does')
    file.seek(0)
    summary = SeekingReader(file).get_summary()
    if summary is None or summary.statistics is None:
        return None
    stretches = [
        Stretch(
            index.chunk_start_offset,
            index.chunk_start_offset + index.chunk_length,
            index.message_start_time,
            index.message_end_time,
            is_chunk=True,
            counts=_count_indexed(index),
        )
        for index in summary.chunk_indexes
    ]
    contents = Contents(summary, stretches)
    is_all = (
        contents.has_stated_counts
        and contents.counts.keys() <= summary.channels.keys()
        and {one.schema_id for one in summary.channels.values()} <= {0, *summary.schemas}
        and all(stretch.has_times and _is_there(file, size, stretch) for stretch in stretches)
    )
    return contents if is_all else None


def _is_there(file: BinaryIO, size: int, chunk: Stretch) -> bool:
    """Return whether a chunk is where the index says, and of the same time."""
    if read_head(file, chunk.start, size) != (Opcode.CHUNK, chunk.end):
        return False
    file.seek(chunk.start + RECORD.size)
    first, last, *_ = CHUNK_HEAD.unpack(file.read(CHUNK_HEAD.size))
    return (first, last) == (chunk.first, chunk.last)


def _count_indexed(index: ChunkIndex) -> Counter[int]:
    """Return how many messages of each channel a chunk has, from the sizes of its indices."""
    places = sorted((place, channel) for channel, place in index.message_index_offsets.items())
    end = index.chunk_start_offset + index.chunk_length + index.message_index_length
    ends = [*(place for place, _ in places[1:]), end]
    counts = {
        channel: (after - place - INDEX_RECORD) // INDEX_ITEM
        for (place, channel), after in zip(places, ends, strict=False)
    }
    return +Counter(counts)
