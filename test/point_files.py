"""Parsers of files of points, which follow the formats' specifications."""

from __future__ import annotations

import struct

PLY_TYPES = {'float': 'f', 'uchar': 'B', 'ushort': 'H'}
PCD_TYPES = {('F', '4'): 'f', ('U', '4'): 'I'}


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
