"""What bags compress, unpacked without taking more memory than a message may need."""

from __future__ import annotations

from yolact_core.errors import InputError

LARGEST = 2**29  # bytes of a chunk or a message; a few kilobytes may stand for gigabytes


def unpack_zstd(data: bytes, most: int = LARGEST) -> bytes:
    """Return what zstd compressed.

    Args:
        data: One frame.
        most: Largest number of bytes to return.

    Raises:
        InputError: It would be more.
        zstandard.ZstdError: It is damaged.
    """
    import zstandard

    _check_size(zstandard.frame_content_size(data), most)  # -1 where it does not say
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=most)


def unpack_chunk(compression: str, data: bytes, size: int) -> bytes:
    """Return the records of a chunk of an mcap file.

    Args:
        compression: Name of the compression; empty for none.
        data: Records as the file has them.
        size: Bytes that they must have, as the file says.

    Raises:
        InputError: They have another size, or the compression is unknown.
        Exception: They are damaged; each compression has exceptions of its own.
    """
    _check_size(size, LARGEST)
    if compression == 'zstd':
        data = unpack_zstd(data, size)
    elif compression == 'lz4':
        import lz4.frame

        data = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=size + 1)
    elif compression:
        raise InputError(f'compression must be zstd or lz4, got {compression!r}')
    if len(data) != size:
        raise InputError(f'a chunk must have the {size} bytes that it declares, got {len(data)}')
    return data


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise InputError(f'what is unpacked must have at most {most} bytes, got {size}')
