"""Clouds read from messages, of whatever layout."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_ros.points import to_rows, to_xyz


def make_cloud(rows, *, padding=0, **fields):
    """Return a message with the points of a structured array, shape (height, width)."""
    kinds = {'i1': 1, 'u1': 2, 'i2': 3, 'u2': 4, 'i4': 5, 'u4': 6, 'f4': 7, 'f8': 8}
    described = [
        SimpleNamespace(name=name, offset=offset, datatype=kinds[kind.str[1:]], count=1)
        for name, (kind, offset) in rows.dtype.fields.items()
    ]
    data = b''.join(row.tobytes() + bytes(padding) for row in rows)
    step = rows.dtype.itemsize
    return SimpleNamespace(
        **{
            'height': rows.shape[0],
            'width': rows.shape[1],
            'fields': described,
            'is_bigendian': False,
            'point_step': step,
            'row_step': rows.shape[1] * step + padding,
            'data': np.frombuffer(data, np.uint8),
            **fields,
        }
    )


@pytest.fixture
def rows():
    """Return 2 x 3 points with gaps between their fields."""
    layout = {
        'names': ['x', 'y', 'z', 'label'],
        'formats': ['<f4', '<f4', '<f4', '<u2'],
        'offsets': [0, 4, 8, 16],
        'itemsize': 24,
    }
    rows = np.zeros((2, 3), np.dtype(layout))
    for number, name in enumerate('xyz'):
        rows[name] = np.arange(6).reshape(2, 3) + number / 4
    rows['label'] = [[0, 1, 2], [3, 65535, 5]]
    return rows


@pytest.mark.parametrize('padding', [0, 8])
def test_points_are_read_by_the_names_of_their_fields(rows, padding):
    cloud = make_cloud(rows, padding=padding)
    assert to_rows(cloud)['label'].tolist() == [[0, 1, 2], [3, 65535, 5]]
    assert to_xyz(cloud).shape == (2, 3, 3)
    assert to_xyz(cloud)[1, 2].tolist() == [5, 5.25, 5.5]


def test_points_of_the_other_byte_order_are_the_same(rows):
    swapped = rows.byteswap()
    np.testing.assert_array_equal(
        to_xyz(make_cloud(swapped, is_bigendian=True)), to_xyz(make_cloud(rows))
    )


def test_a_cloud_may_be_empty(rows):
    assert to_xyz(make_cloud(rows[:0])).shape == (0, 3, 3)


@pytest.mark.parametrize(
    ('fields', 'text'),
    [
        ({'data': np.zeros(10, np.uint8)}, 'points must be 3 x 2: '),
        ({'width': 2**31}, 'points must be 2147483648 x 2: '),
        ({'point_step': 4}, 'points must be 3 x 2: '),
    ],
)
def test_a_cloud_that_contradicts_itself_is_refused(rows, fields, text):
    with pytest.raises(InputError, match=text):
        to_xyz(make_cloud(rows, **fields))


def test_a_field_of_unknown_type_is_refused(rows):
    cloud = make_cloud(rows)
    cloud.fields[3].datatype = 9
    with pytest.raises(InputError, match="datatype of field 'label' must be 1 to 8, got 9"):
        to_rows(cloud)


def test_points_without_height_are_refused(rows):
    cloud = make_cloud(rows)
    cloud.fields[2].name = 'intensity'
    with pytest.raises(InputError, match=re.escape('must have x, y and z, got x, y, intensity')):
        to_xyz(cloud)
