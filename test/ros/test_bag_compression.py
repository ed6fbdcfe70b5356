"""Chunks and messages that were compressed, and those that would fill the memory."""

from __future__ import annotations

import pytest

lz4 = pytest.importorskip('lz4.frame', reason="pip install 'yolact[bags]'")
zstandard = pytest.importorskip('zstandard', reason="pip install 'yolact[bags]'")

from yolact_core.errors import InputError  # noqa: E402
from yolact_ros.bag.io.compression import LARGEST, unpack_chunk, unpack_zstd  # noqa: E402

PACK = {'': bytes, 'lz4': lz4.compress, 'zstd': zstandard.compress}


@pytest.mark.parametrize('compression', PACK)
@pytest.mark.parametrize('data', [b'', b'x', bytes(100_000)])
def test_a_chunk_is_unpacked(compression, data):
    assert unpack_chunk(compression, PACK[compression](data), len(data)) == data


@pytest.mark.parametrize('compression', PACK)
@pytest.mark.parametrize('size', [0, 99, 101, LARGEST, LARGEST + 1, 2**63])
def test_a_chunk_of_another_size_than_it_declares_is_refused(compression, size):
    with pytest.raises(InputError, match='must have'):
        unpack_chunk(compression, PACK[compression](bytes(100)), size)


def test_an_unknown_compression_is_named():
    with pytest.raises(InputError, match="compression must be zstd or lz4, got 'bz2'"):
        unpack_chunk('bz2', b'', 0)


@pytest.mark.parametrize('is_size_told', [True, False])
def test_a_message_that_would_fill_the_memory_is_refused(is_size_told):
    options = {'write_content_size': is_size_told}
    bomb = zstandard.ZstdCompressor(**options).compress(bytes(1_000_000))
    assert len(bomb) < 200
    with pytest.raises((InputError, zstandard.ZstdError)):
        unpack_zstd(bomb, 999_999)
    assert unpack_zstd(bomb, 1_000_000) == bytes(1_000_000)
