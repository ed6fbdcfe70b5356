"""PNG files, altered chunk by chunk, with the right checksums."""

from __future__ import annotations

import struct
import zlib
from random import Random

from fuzz.mutation import mutate_bytes

START = b'\x89PNG\r\n\x1a\n'


def mutate_png(data: bytes, random: Random) -> bytes:
    """Return a PNG file of which one chunk was changed, repeated or left out.

    Args:
        data: A PNG file; anything else changes as bytes do.
        random: Source of all randomness.
    """
    chunks = _split(data)
    if not chunks:
        return mutate_bytes(data, random)
    place = random.randrange(len(chunks))
    kind, content = chunks[place]
    change = random.random()
    if change < 0.8:
        chunks[place] = kind, mutate_bytes(content, random)
    elif change < 0.9:
        chunks.insert(random.randrange(len(chunks)), (kind, content))
    else:
        del chunks[place]
    return START + b''.join(
        struct.pack('>I', len(content)) + kind + content
        + struct.pack('>I', zlib.crc32(kind + content))
        for kind, content in chunks
    )  # fmt: skip


def _split(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], len(START)
    while data.startswith(START) and place + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks
