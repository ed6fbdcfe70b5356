"""Bags in mcap files, altered record by record, with the right lengths and checksums."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from random import Random

import lz4.frame
import zstandard

from fuzz.bags import read_all, small_messages
from fuzz.mutation import mutate_bytes
from yolact_ros.messages.types import ros2_types

MAGIC = b'\x89MCAP0\r\n'
RECORD = struct.Struct('<BQ')  # kind, and bytes that follow
CHUNK = 6
CHUNK_HEAD = struct.Struct('<QQQII')  # times, size, checksum, length of the compression's name

Record = tuple[int, bytes]


def seeds() -> Iterable[bytes]:
    """Return small bags of each compression, and one without chunks."""
    from mcap.writer import CompressionType, Writer

    for compression in (*CompressionType, None):
        file = io.BytesIO()
        options = {'use_chunking': False} if compression is None else {'compression': compression}
        writer = Writer(file, chunk_size=600, **options)
        writer.start(profile='ros2')
        channels: dict[str, int] = {}
        for topic, kind, time, data in small_messages():
            if topic not in channels:
                text = ros2_types().generate_msgdef(kind, ros_version=2)[0].encode()
                schema = writer.register_schema(kind, 'ros2msg', text)
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            writer.add_message(channels[topic], time, data, time)
        writer.finish()
        yield file.getvalue()


def mutate(data: bytes, random: Random) -> bytes:
    """Change, repeat, move or leave out a record."""
    records = _split(data[len(MAGIC) :])
    if len(records) < 2 or random.random() < 0.15:
        return mutate_bytes(data, random)
    return MAGIC + _join(_mutate_records(records, random)) + MAGIC


def run(data: bytes, folder: Path) -> None:
    """Read a bag."""
    path = folder / 'bag.mcap'
    path.write_bytes(data)
    read_all(path)


def _mutate_records(records: list[Record], random: Random) -> list[Record]:
    place = random.randrange(len(records))
    kind, content = records[place]
    change = random.random()
    if change < 0.75:
        chosen = _mutate_chunk if kind == CHUNK and random.random() < 0.7 else mutate_bytes
        records[place] = kind, chosen(content, random)
    elif change < 0.85:
        records.insert(random.randrange(len(records)), (kind, content))
    else:
        del records[place]
    return records


def _mutate_chunk(content: bytes, random: Random) -> bytes:
    """Change a record in a chunk, or what the chunk says of itself, or pack it otherwise."""
    try:
        first, last, size, checksum, length = CHUNK_HEAD.unpack_from(content)
        name = content[CHUNK_HEAD.size : CHUNK_HEAD.size + length]
        data = _unpack(name, content[CHUNK_HEAD.size + length + 8 :])
    except Exception:  # of whatever the bytes lead to
        return mutate_bytes(content, random)
    if random.random() < 0.2:  # a bomb
        data += bytes(random.choice((10, 1 << 16, 1 << 22)))
    elif records := _split(data):
        data = _join(_mutate_records(records, random))
    if random.random() < 0.8:
        size = len(data)
    if random.random() < 0.1:
        name = random.choice((b'', b'lz4', b'zstd', b'bz2', b'\xff'))
    checksum = zlib.crc32(data) if random.random() < 0.7 else 0
    packed = _pack(name, data)
    head = CHUNK_HEAD.pack(first, last, size, checksum, len(name))
    return head + name + struct.pack('<Q', len(packed)) + packed


def _unpack(name: bytes, data: bytes) -> bytes:
    if name == b'lz4':
        return bytes(lz4.frame.decompress(data))
    return zstandard.decompress(data) if name == b'zstd' else data


def _pack(name: bytes, data: bytes) -> bytes:
    if name == b'lz4':
        return bytes(lz4.frame.compress(data))
    return zstandard.compress(data) if name == b'zstd' else data


def _split(data: bytes) -> list[Record]:
    """Return the whole records at the beginning."""
    records, place = [], 0
    while place + RECORD.size <= len(data):
        kind, length = RECORD.unpack_from(data, place)
        place += RECORD.size + length
        if place > len(data):
            break
        records.append((kind, data[place - length : place]))
    return records


def _join(records: list[Record]) -> bytes:
    return b''.join(RECORD.pack(kind, len(content)) + content for kind, content in records)
