from dataclasses import dataclass
from typing import Literal

import pytest

from yolact_core import InputError
from yolact_core.records import build_record


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5


@dataclass(frozen=True)
class Outer:
    kind: Literal['a', 'b']
    inner: Inner
    pairs: tuple[tuple[int, str], ...] = ()
    note: str | None = None


def test_nested_records_lists_and_choices_are_built():
    values = {'kind': 'a', 'inner': {'rate': 1}, 'pairs': [[1, 'x'], [2, 'y']], 'note': None}
    built = build_record(Outer, values, 'file')
    assert built == Outer('a', Inner(1.0), ((1, 'x'), (2, 'y')))
    assert isinstance(built.inner.rate, float)


@pytest.mark.parametrize(
    ('values', 'text'),
    [
        ({'kind': 'c', 'inner': {}}, "file: kind must be one of a, b, got 'c'"),
        ({'kind': 'a', 'inner': 3}, 'file: inner must hold keys and values, got 3'),
        ({'kind': 'a', 'inner': {'rat': 1}}, "file: inner: key must be one of rate, got 'rat'"),
        ({'kind': 'a', 'inner': {}, 'pairs': [[1]]}, 'file: pairs must have 2 items, got 1'),
        ({'kind': 'a', 'inner': {}, 'note': 5}, 'file: note must be of type str, got 5'),
        ({'kind': 'a', 'inner': {}, 3: 4}, 'file: key must be one of'),
        ({'inner': {}}, "file: key 'kind' must be given"),
    ],
)
def test_what_does_not_fit_is_refused_by_place_and_value(values, text):
    with pytest.raises(InputError) as caught:
        build_record(Outer, values, 'file')
    assert text in str(caught.value)
