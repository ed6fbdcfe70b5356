"""Objects in other frames."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from yolact_core.lifting import Objects
from yolact_core.lifting.boxes import level_axes
from yolact_core.lifting.orientations import (
    matrices_to_quaternions,
    quaternions_to_matrices,
    rotate_quaternions,
)


def some_rotations(count=200):
    """Return rotations at random, and those by half and quarter turns about the axes."""
    turns = np.concatenate([np.eye(3) * angle for angle in (0, np.pi / 2, np.pi, -np.pi / 2)])
    random = Rotation.random(count, np.random.default_rng(0))
    return Rotation.concatenate([random, Rotation.from_rotvec(turns)])


def some_objects(orientations):
    random, count = np.random.default_rng(1), len(orientations)
    places = {
        name: random.normal(size=(count, 3))
        for name in ('centroids', 'nearest', 'centres', 'sizes')
    }
    return Objects(
        indices=np.arange(count),
        depths=random.random(count),
        valid_shares=np.ones(count),
        orientations=orientations,
        points=tuple(random.normal(size=(5, 3)).astype(np.float32) for _ in range(count)),
        pixels=tuple(np.zeros((5, 2), np.int32) for _ in range(count)),
        is_upright=True,
        **places,
    )


def test_quaternions_are_those_of_scipy():
    rotations = some_rotations()
    ours, truth = matrices_to_quaternions(rotations.as_matrix()), rotations.as_quat()
    np.testing.assert_allclose(np.abs((ours * truth).sum(axis=1)), 1, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1)
    assert (ours[:, 3] >= 0).all()


def test_turned_quaternions_are_those_of_scipy():
    rotations = some_rotations()
    for turn in some_rotations(5):
        ours = rotate_quaternions(turn.as_matrix(), rotations.as_quat())
        truth = (turn * rotations).as_quat()
        np.testing.assert_allclose(np.abs((ours * truth).sum(axis=1)), 1, atol=1e-9)


def test_a_transform_moves_points_and_turns_poses_but_never_sizes():
    turn, shift = Rotation.from_rotvec([0.3, -0.7, 1.1]), np.array([1.0, 2.0, 3.0])
    before = some_objects(some_rotations(4).as_quat())
    after = before.transform(turn.as_matrix(), shift)
    for name in ('centroids', 'nearest', 'centres'):
        moved = turn.apply(getattr(before, name)) + shift
        np.testing.assert_allclose(getattr(after, name), moved)
    for moved, points in zip(after.points, before.points, strict=True):
        assert moved.dtype == np.float32
        np.testing.assert_allclose(moved, turn.apply(points) + shift, atol=1e-6)
    for name in ('indices', 'depths', 'valid_shares', 'sizes', 'pixels', 'is_upright'):
        assert getattr(after, name) is getattr(before, name)


def test_there_and_back_again_is_where_it_began():
    turn, shift = Rotation.from_rotvec([0.3, -0.7, 1.1]).as_matrix(), np.array([1.0, 2.0, 3.0])
    before = some_objects(some_rotations(4).as_quat())
    after = before.transform(turn, shift).transform(turn.T, -turn.T @ shift)
    np.testing.assert_allclose(after.centres, before.centres)
    same = np.abs((after.orientations * before.orientations).sum(axis=1))
    np.testing.assert_allclose(same, 1)


@pytest.mark.parametrize('up', [(0, -1, 0), (0, -0.8, -0.6), (0, 0, -1), (0, 0, 1), (1, 0, 0)])
def test_level_axes_are_right_handed_with_z_up(up):
    axes = level_axes(np.array(up, np.float64))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_array_equal(axes[2], up)


def test_quaternions_become_the_matrices_that_they_came_from():
    random = np.random.default_rng(3)
    matrices, _ = np.linalg.qr(random.normal(size=(50, 3, 3)))
    matrices *= np.sign(np.linalg.det(matrices))[:, None, None]
    again = quaternions_to_matrices(matrices_to_quaternions(matrices))
    np.testing.assert_allclose(again, matrices, atol=1e-12)
    assert quaternions_to_matrices(np.zeros((0, 4))).shape == (0, 3, 3)
