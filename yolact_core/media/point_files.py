"""Files of points that viewers such as CloudCompare, MeshLab, Open3D and PCL's open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from yolact_core.errors import InputError
from yolact_core.files import replace_when_done
from yolact_core.lifting.objects import Objects

AXES = [('x', '<f4'), ('y', '<f4'), ('z', '<f4')]
PLY_FIELDS = [*AXES, ('red', 'u1'), ('green', 'u1'), ('blue', 'u1'), ('label', '<u2')]
PCD_FIELDS = [*AXES, ('rgb', '<u4'), ('label', '<u4')]  # those of pcl::PointXYZRGBL
PLY_HEADER = """\
ply
format binary_little_endian 1.0
comment metres; label 0 is no object
element vertex {count}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
property ushort label
end_header
"""
PCD_HEADER = """\
# .PCD v0.7 - Point Cloud Data file format
VERSION 0.7
FIELDS x y z rgb label
SIZE 4 4 4 4 4
TYPE F F F F U
COUNT 1 1 1 1 1
WIDTH {count}
HEIGHT 1
VIEWPOINT 0 0 0 1 0 0 0
POINTS {count}
DATA binary
"""

Positions = npt.NDArray[np.float32]  # (P, 3) metres
Colors = npt.NDArray[np.uint8]  # (P, 3) RGB
Labels = npt.NDArray[np.uint16]  # (P,)


def write_points(path: Path, positions: Positions, rgb: Colors, labels: Labels) -> None:
    """Write points as PLY or PCD, as the suffix says, both binary.

    Args:
        path: File to write; an older one is replaced only when the new one is complete.
        positions: Points in metres, shape (P, 3).
        rgb: Colour of each point, shape (P, 3).
        labels: Label of the object that each point belongs to, shape (P,); 0 is none.

    Raises:
        InputError: The suffix is another one, or the file cannot be written.
    """
    check_points_file(path)
    header, to_rows = FORMATS[path.suffix.lower()]
    try:
        with replace_when_done(path) as unfinished, unfinished.open('wb') as file:
            file.write(header.format(count=len(positions)).encode('ascii'))
            file.write(to_rows(positions, rgb, labels).tobytes())
    except OSError as error:
        raise InputError(f'{path} must be writable: {error.strerror}') from error


def write_objects(path: Path, image: Colors, objects: Objects) -> None:
    """Write the points of all objects, in the colours of the image and with their labels.

    Args:
        path: File to write, as ``write_points`` takes it.
        image: RGB, shape (H, W, 3).
        objects: Objects seen in the image.

    Raises:
        InputError: The suffix is none of a file of points, or the file cannot be written.
    """
    pixels = np.concatenate([np.empty((0, 2), dtype=np.int32), *objects.pixels])
    labels = np.repeat(objects.indices + 1, [len(points) for points in objects.points])
    write_points(
        path,
        np.concatenate([np.empty((0, 3), dtype=np.float32), *objects.points]),
        image[pixels[:, 1], pixels[:, 0]],
        labels.astype(np.uint16),
    )


def check_points_file(path: Path) -> None:
    """Refuse a file name that says no format of points, before any work.

    Raises:
        InputError: It has another suffix.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f'file of points must end in {" or ".join(FORMATS)}, got {str(path)!r}')


def _to_ply(positions: Positions, rgb: Colors, labels: Labels) -> npt.NDArray[np.void]:
    rows = _to_rows(positions, labels, PLY_FIELDS)
    rows['red'], rows['green'], rows['blue'] = rgb.T
    return rows


def _to_pcd(positions: Positions, rgb: Colors, labels: Labels) -> npt.NDArray[np.void]:
    """Pack colours into the bits of a float, as PCL has done ever since."""
    rows = _to_rows(positions, labels, PCD_FIELDS)
    red, green, blue = rgb.T.astype(np.uint32)
    rows['rgb'] = red << 16 | green << 8 | blue
    return rows


def _to_rows(
    positions: Positions, labels: Labels, fields: list[tuple[str, str]]
) -> npt.NDArray[np.void]:
    rows: npt.NDArray[np.void] = np.empty(len(positions), dtype=fields)
    rows['x'], rows['y'], rows['z'] = positions.T
    rows['label'] = labels
    return rows


FORMATS: dict[str, tuple[str, Callable[[Positions, Colors, Labels], npt.NDArray[np.void]]]] = {
    '.ply': (PLY_HEADER, _to_ply),
    '.pcd': (PCD_HEADER, _to_pcd),
}
