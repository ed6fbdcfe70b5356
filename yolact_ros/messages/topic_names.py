"""Names of topics that every node of ROS 2 accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 200  # letters, with room for what is added to them
ILLEGAL = re.compile('[^A-Za-z0-9_]')


def make_legal(names: Iterable[str]) -> dict[str, str]:
    """Return a legal name for each name; no two are the same, and legal ones stay as they are.

    Bags of ROS 1 and of other tools have names with dashes, digits in front, or empty parts.
    """
    names = list(dict.fromkeys(names))
    legal = {name: name for name in names if _repair(name) == name}
    taken = set(legal)
    for name in names:
        if name in legal:
            continue
        repaired, number = _repair(name), 2
        while repaired in taken:
            repaired, number = f'{_repair(name)}_{number}', number + 1
        legal[name] = repaired
        taken.add(repaired)
    return legal


def _repair(name: str) -> str:
    parts = [ILLEGAL.sub('_', part) for part in name.split('/') if part]
    parts = [f'_{part}' if part[0].isdigit() else part for part in parts] or ['unnamed']
    return ('/' * name.startswith('/') + '/'.join(parts))[:LONGEST].rstrip('/')
