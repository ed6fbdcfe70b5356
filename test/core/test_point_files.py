"""Files of points give back what was written into them."""

from __future__ import annotations

import numpy as np
import pytest
from point_files import read_pcd, read_ply

from yolact_core.errors import InputError
from yolact_core.media.point_files import write_points


@pytest.fixture
def cloud():
    """Return points, colours and labels, each value different from all others."""
    positions = np.array([[0.1, -0.2, 1.5], [3.25, 0.0, 4.0], [-1e-3, 2.0, 0.5]], np.float32)
    rgb = np.array([[255, 1, 2], [3, 254, 4], [5, 6, 253]], dtype=np.uint8)
    return positions, rgb, np.array([1, 300, 65535], dtype=np.uint16)


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
