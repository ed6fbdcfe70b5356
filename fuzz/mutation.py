"""How inputs are altered: as bytes, or as trees of values such as JSON has."""

from __future__ import annotations

import copy
import struct
from collections.abc import Callable
from random import Random
from typing import Any

NUMBERS = (
    0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1,
    2**32, 2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
VALUES = (
    None, True, False, 0, 1, -1, 3, 255, 65536, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e-300,
    1e308, float('nan'), float('inf'), '', '0', '1', 'nan', 'x' * 1000, '../../escaped.png',
    '/tmp/escaped.png', 'a\x00b', '椅子', '\ud800', '<b>&"', [], [[]], {}, {'': None}, [0, 0],
)  # fmt: skip
LONGEST = 1 << 20  # bytes


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Return bytes of which a few were changed, deleted, inserted or repeated."""
    altered = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        random.choice(BYTE_CHANGES)(altered, random)
    return bytes(altered[:LONGEST])


def mutate_tree(tree: object, random: Random) -> Any:  # noqa: ANN401 - any tree
    """Return a tree of dictionaries, lists and plain values in which a few places differ."""
    holder = [copy.deepcopy(tree)]
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(holder))
        parent, key = random.choice(places)
        other, other_key = random.choice(places)
        change = random.random()
        if change < 0.15 and parent is not holder:
            del parent[key]
        elif change < 0.3:
            parent[key] = copy.deepcopy(other[other_key])
        elif change < 0.4 and isinstance(parent[key], list) and len(parent[key]) < 1000:
            parent[key] = parent[key] * random.choice((2, 3))
        elif change < 0.45:
            parent[key] = [parent[key]]
        elif change < 0.7 and isinstance(parent[key], int | float):
            parent[key] = _near(parent[key], random)
        elif change < 0.7 and isinstance(parent[key], str):
            text = mutate_bytes(parent[key].encode(errors='replace'), random)
            parent[key] = text.decode(errors='replace')
        else:
            parent[key] = copy.deepcopy(random.choice(VALUES))
    return holder[0]


def _places(tree: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any tree
    """Return each place in a tree: what holds it, and its key or index there."""
    found: list[tuple[Any, Any]] = []
    left = [tree]
    while left and len(found) < 10_000:
        node = left.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            found.append((node, key))
            if isinstance(node[key], dict | list):
                left.append(node[key])
    return found


def _near(number: float, random: Random) -> float:
    try:
        return random.choice((number + 1, number - 1, -number, 2 * number, number / 2, number**2))
    except OverflowError:
        return 0


def _flip(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _replace(data: bytearray, random: Random) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _write_number(data: bytearray, random: Random) -> None:
    kind = random.choice(('<H', '>H', '<I', '>I', '<Q', '>Q'))
    size = struct.calcsize(kind)
    if len(data) >= size:
        place = random.randrange(len(data) - size + 1)
        place -= random.choice((0, place % size))
        number = random.choice((*NUMBERS, len(data))) % (1 << 8 * size)
        struct.pack_into(kind, data, place, number)


def _cut(data: bytearray, random: Random) -> None:
    start, stop = _range(data, random)
    del data[start:stop]


def _cut_end(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data) + 1) :]


def _insert(data: bytearray, random: Random) -> None:
    place = random.randrange(len(data) + 1)
    data[place:place] = random.randbytes(random.randrange(1, 9))


def _repeat(data: bytearray, random: Random) -> None:
    start, stop = _range(data, random)
    place = random.randrange(len(data) + 1)
    data[place:place] = data[start:stop]


def _range(data: bytearray, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 2, 4, 8, 16, 64, 256)))


BYTE_CHANGES: tuple[Callable[[bytearray, Random], None], ...] = (
    _flip, _replace, _write_number, _write_number, _cut, _cut_end, _insert, _repeat,
)  # fmt: skip
