"""Orientations as quaternions x y z w."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def matrices_to_quaternions(matrices: Numbers) -> Numbers:
    """Return unit quaternions x y z w, shape (N, 4), of which w is not negative.

    The largest component comes from the diagonal, the others from it, so that nothing is divided
    by a small number (Shepperd, 1978).

    Args:
        matrices: Rotation matrices, shape (N, 3, 3).
    """
    diagonal = np.diagonal(matrices, axis1=1, axis2=2)
    trace = diagonal.sum(axis=1, keepdims=True)
    squares = np.concatenate(
        [1 + 2 * diagonal - trace, 1 + trace], axis=1
    )  # of 2 x, 2 y, 2 z, 2 w
    products = np.empty((len(matrices), 4, 4))  # of 2 x, ... and 2 x, ...
    for index in range(4):
        products[:, index, index] = squares[:, index]
    for x, y, z in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        products[:, x, y] = products[:, y, x] = matrices[:, x, y] + matrices[:, y, x]
        products[:, z, 3] = products[:, 3, z] = matrices[:, y, x] - matrices[:, x, y]
    largest = squares.argmax(axis=1)
    quaternions: Numbers = products[np.arange(len(matrices)), largest]
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    quaternions *= np.where(quaternions[:, 3:] < 0, -1, 1)
    return quaternions


def rotate_quaternions(rotation: Numbers, quaternions: Numbers) -> Numbers:
    """Return the orientations after a rotation of everything, shape (N, 4).

    Args:
        rotation: Rotation matrix, shape (3, 3).
        quaternions: Orientations x y z w before, shape (N, 4).
    """
    ((x, y, z, w),) = matrices_to_quaternions(rotation[None])
    product = np.array([[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]])
    rotated: Numbers = quaternions @ product.T
    return rotated


def quaternions_to_matrices(quaternions: Numbers) -> Numbers:
    """Return the rotation matrices of unit quaternions x y z w, shape (N, 3, 3).

    Args:
        quaternions: Unit quaternions, shape (N, 4).
    """
    x, y, z, w = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrices: Numbers = np.moveaxis(np.array(rows), -1, 0)
    return matrices
