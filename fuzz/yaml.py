"""YAML files, altered by values and as text."""

from __future__ import annotations

from random import Random

import yaml

from fuzz.mutation import mutate_bytes, mutate_tree

SNIPPETS = (
    b'&a [1, 2]', b'*a', b'<<: *a', b'!!python/object/apply:os.getcwd []', b'!!binary xx',
    b'!!timestamp 2001-99-99', b'? [1]\n: 2', b'{[1]: 2}', b'[' * 3000, b'1' * 5000, b'---\n',
    b'&a [*a]', b'!!set {1}', b'1:60:60', b'0b2', b'~', b'!!float x', b'!!int x', b'- ' * 2000,
)  # fmt: skip


def mutate_yaml(data: bytes, random: Random) -> bytes:
    """Return a file of which a few values, or bytes, are others.

    Args:
        data: Any file.
        random: Source of all randomness.
    """
    try:
        if random.random() < 0.5:
            return yaml.safe_dump(mutate_tree(yaml.safe_load(data), random)).encode()
    except Exception:  # of whatever the bytes lead to
        return mutate_bytes(data, random)
    if random.random() < 0.5:
        return mutate_bytes(data, random)
    words = data.split(b' ')
    words[random.randrange(len(words))] = random.choice(SNIPPETS)
    return b' '.join(words)
