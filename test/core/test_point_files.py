"""Files of points, read by parsers of their own that follow the formats' specifications."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from yolact_core.errors import InputError
from yolact_core.lifting.point_files import write_points

PLY_TYPES = {'float': 'f', 'uchar': 'B', 'ushort': 'H'}
PCD_TYPES = {('F', '4'): 'f', ('U', '4'): 'I'}


@pytest.fixture
def cloud():
    """Return points, colours and labels, each value different from all others."""
    positions = np.array([[0.1, -0.2, 1.5], [3.25, 0.0, 4.0], [-1e-3, 2.0, 0.5]], np.float32)
    rgb = np.array([[255, 1, 2], [3, 254, 4], [5, 6, 253]], dtype=np.uint8)
    return positions, rgb, np.array([1, 300, 65535], dtype=np.uint16)


def unpack(data, layout, names):
    """Return the rows of binary data by name; the layout must use up all of it."""
    return [dict(zip(names, row, strict=True)) for row in struct.iter_unpack('<' + layout, data)]


def read_ply(data):
    """Return the vertices, as the specification of Turk and Levoy has them."""
    head, _, body = data.partition(b'end_header\n')
    lines = [line.split() for line in head.decode('ascii').splitlines()]
    assert lines[:2] == [['ply'], ['format', 'binary_little_endian', '1.0']]
    lines = [line for line in lines[2:] if line[0] != 'comment']
    assert lines[0][:2] == ['element', 'vertex']
    assert {line[0] for line in lines[1:]} == {'property'}
    layout = ''.join(PLY_TYPES[kind] for _, kind, _ in lines[1:])
    rows = unpack(body, layout, [name for *_, name in lines[1:]])
    assert len(rows) == int(lines[0][2])
    for row in rows:
        row['rgb'] = row.pop('red'), row.pop('green'), row.pop('blue')
    return rows


def read_pcd(data):
    """Return the points, as PCL documents version 0.7."""
    head, _, body = data.partition(b'DATA binary\n')
    lines = [line for line in head.decode('ascii').splitlines() if not line.startswith('#')]
    fields = {key: values.split() for key, values in (line.split(' ', 1) for line in lines)}
    assert list(fields) == [
        'VERSION', 'FIELDS', 'SIZE', 'TYPE', 'COUNT', 'WIDTH', 'HEIGHT', 'VIEWPOINT', 'POINTS',
    ]  # fmt: skip
    assert fields['COUNT'] == ['1'] * len(fields['FIELDS'])
    assert fields['VIEWPOINT'] == ['0', '0', '0', '1', '0', '0', '0']
    kinds = zip(fields['TYPE'], fields['SIZE'], strict=True)
    rows = unpack(body, ''.join(PCD_TYPES[kind] for kind in kinds), fields['FIELDS'])
    count = int(fields['WIDTH'][0]) * int(fields['HEIGHT'][0])
    assert len(rows) == count == int(fields['POINTS'][0])
    for row in rows:  # the bits of the float, as pcl::PointXYZRGB takes them
        blue, green, red, _ = struct.pack('<f', row['rgb'])
        row['rgb'] = red, green, blue
    return rows


@pytest.mark.parametrize(
    ('suffix', 'read'), [('.ply', read_ply), ('.PLY', read_ply), ('.pcd', read_pcd)]
)
def test_a_file_of_points_gives_them_back(cloud, tmp_path, suffix, read):
    path = tmp_path / f'new/points{suffix}'
    write_points(path, *cloud)
    positions, rgb, labels = cloud
    assert read(path.read_bytes()) == [
        {'x': x, 'y': y, 'z': z, 'rgb': tuple(color), 'label': label}
        for (x, y, z), color, label in zip(
            positions.tolist(), rgb.tolist(), labels.tolist(), strict=True
        )
    ]


@pytest.mark.parametrize(('suffix', 'read'), [('.ply', read_ply), ('.pcd', read_pcd)])
def test_no_points_are_a_whole_file(tmp_path, suffix, read):
    path = tmp_path / f'points{suffix}'
    positions, rgb = np.zeros((0, 3), dtype=np.float32), np.zeros((0, 3), dtype=np.uint8)
    write_points(path, positions, rgb, np.zeros(0, dtype=np.uint16))
    assert read(path.read_bytes()) == []


def test_another_format_is_refused(cloud, tmp_path):
    with pytest.raises(InputError, match=r"must end in \.ply or \.pcd, got '.*points\.xyz'"):
        write_points(tmp_path / 'points.xyz', *cloud)


def test_a_file_that_cannot_be_written_is_told(cloud, tmp_path):
    (tmp_path / 'points.ply').mkdir()
    with pytest.raises(InputError, match=r'points\.ply must be writable: '):
        write_points(tmp_path / 'points.ply', *cloud)
