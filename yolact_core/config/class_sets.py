"""Well-known sets of classes, and the ids that their data sets give them."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from yolact_core.errors import InputError
from yolact_core.records import read_yaml

CLASS_SETS = 'class_sets.yaml'


@lru_cache(maxsize=1)
def _class_sets() -> dict[str, dict[int, str]]:
    return dict(read_yaml(files('yolact_core') / 'configs' / CLASS_SETS))


def class_set(name: str) -> dict[int, str]:
    """Return a well-known set of classes, such as ``coco``, as category id -> name, in order.

    Raises:
        InputError: There is no such set.
    """
    sets = _class_sets()
    if name not in sets:
        raise InputError(f'class set must be one of {", ".join(sets)}, got {name!r}')
    return sets[name]


def category_ids(class_names: tuple[str, ...]) -> tuple[int, ...]:
    """Return the COCO category id of each class: the well-known ids, or 1, 2, 3, ..."""
    for known in _class_sets().values():
        if tuple(known.values()) == class_names:
            return tuple(known)
    return tuple(range(1, len(class_names) + 1))
