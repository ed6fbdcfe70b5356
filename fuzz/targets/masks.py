"""Masks in messages, decoded in Python and by the C++ header under sanitizers, which must agree.

An input is numbers of four bytes: height and width of an image, encoding, the rectangle, and the
values of ``rle``, whose lowest bytes are ``data``.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

from fuzz.mutation import NUMBERS, mutate_bytes
from yolact_core.errors import InputError
from yolact_core.masks.instance_masks import InstanceMasks
from yolact_ros.masks import MaskEncoding, decode, encode, to_full_size

ROOT = Path(__file__).parents[2]
HEAD = 7  # numbers before the values
LARGEST_SIDE = 64  # of the image, which is the caller's
SANITIZED = [
    '-std=c++17',
    '-O1',
    '-g',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
]


def seeds() -> Iterable[bytes]:
    """Return small masks of each encoding, when the C++ decoder is ready."""
    _start_decoder()
    mask = np.zeros((9, 11), dtype=np.bool_)
    mask[2:7, 3:9] = True
    mask[4, 5] = False
    masks = InstanceMasks.from_dense([mask], mask.shape)
    (x, y), (height, width) = masks.corners[0].tolist(), masks.shapes[0].tolist()
    for encoding in MaskEncoding:
        values = next(iter(encode(masks, 0, encoding).values()), np.zeros(0))
        numbers = [9, 11, encoding, x, y, height, width, *values.tolist()]
        yield np.array(numbers, '<u4').tobytes()


def mutate(data: bytes, random: Random) -> bytes:
    """Change whole numbers, and sometimes so that the runs still add up."""
    numbers = np.frombuffer(data[: len(data) // 4 * 4], '<u4').astype(np.int64)
    if random.random() < 0.3 or len(numbers) < HEAD:
        return mutate_bytes(data, random)
    place = random.randrange(len(numbers))
    value = int(numbers[place])
    if random.random() < 0.3 and len(numbers) > HEAD:
        pixels = int(numbers[5]) * int(numbers[6])
        rest = pixels - int(numbers[HEAD:-1].sum())
        numbers[-1] = max(rest, 0) % 2**32
    else:
        numbers[place] = random.choice((value + 1, value - 1, 2 * value, *NUMBERS)) % 2**32
    return (numbers % 2**32).astype('<u4').tobytes()


def run(data: bytes, folder: Path) -> None:
    """Decode a mask in both languages."""
    numbers = np.frombuffer(data[: len(data) // 4 * 4], '<u4')
    if len(numbers) < HEAD:
        return
    size = int(numbers[0]) % LARGEST_SIDE, int(numbers[1]) % LARGEST_SIDE
    encoding, x, y, height, width = numbers[2:HEAD].tolist()
    values = numbers[HEAD:]
    mask = SimpleNamespace(
        encoding=encoding % 256,
        roi=SimpleNamespace(x_offset=x, y_offset=y, height=height, width=width),
        rle=values,
        data=values.astype(np.uint8),
    )
    found = _paint(mask, size)
    _try_alone(mask)
    words = [*size, mask.encoding, x, y, height, width, len(values), *values.tolist()]
    if (decoder := _start_decoder()) and (answer := _ask(decoder, words)) != found:
        raise AssertionError(f'both must agree, got {found!r} and {answer!r} in C++')


def _paint(mask: SimpleNamespace, size: tuple[int, int]) -> str:
    try:
        pixels = to_full_size(mask, size)
    except InputError:
        return 'refused'
    return ''.join(map(str, pixels.astype(np.uint8).ravel().tolist()))


def _try_alone(mask: SimpleNamespace) -> None:
    try:
        decode(mask)
    except InputError:
        return


@cache
def _start_decoder() -> subprocess.Popen[str] | None:
    """Return the C++ decoder, waiting for masks; None without a compiler."""
    compiler = shutil.which('g++')
    if not compiler:
        return None
    folder = Path(tempfile.mkdtemp())
    source = ROOT / 'test' / 'cpp' / 'decode_masks.cpp'
    program = folder / source.stem
    includes = [f'-I{ROOT / "include"}', f'-I{source.parent}']
    subprocess.run([compiler, *SANITIZED, *includes, source, '-o', program], check=True)
    return subprocess.Popen(
        [program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_lift_limit,
    )


def _lift_limit() -> None:
    """Give the sanitizers the address space that they reserve."""
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _ask(decoder: subprocess.Popen[str], words: list[Any]) -> str:
    assert decoder.stdin
    assert decoder.stdout
    decoder.stdin.write(f'{" ".join(map(str, words))}\n')
    decoder.stdin.flush()
    line = decoder.stdout.readline()
    if not line:  # the sanitizers' report is in the log; this input is the last one
        raise SystemExit('the C++ decoder must go on, but ended')
    return 'refused' if line.startswith('refused') else line.strip()
