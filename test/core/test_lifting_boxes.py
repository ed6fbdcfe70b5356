"""Boxes around solids whose true place, size and direction are known."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import pytest
from solids import Box, Cylinder, Plane, Sphere, cast, pitched, spoiled, turned

from yolact_core.lifting import Calibration, DepthImage, LiftingOptions, lift

SIZE = (480, 640)
MATRIX = np.array([[525.0, 0, 320], [0, 525, 240], [0, 0, 1]])
RAYS = Calibration(SIZE, MATRIX, np.zeros(0), '').rays(is_rectified=False)
LENSES = {
    'plumb_bob': [-0.25, 0.08, 0.001, -0.002, 0.0],
    'rational_polynomial': [0.5, -2.7, 0.0005, -0.0002, 1.6, 0.38, -2.5, 1.5],
    'equidistant': [0.1, -0.03, 0.01, -0.002],
}


@pytest.fixture
def lift_first(make_detections):
    """Lift the first of some solids, by its exact mask; infinitely far is no measurement."""

    def lift_first(solids, rays=RAYS, spoil=lambda depth: depth, to_unit=np.float32, **values):
        depth, seen = cast(rays.table, solids)
        metres = spoil(np.where(np.isfinite(depth), depth, 0))
        if to_unit is np.uint16:
            image = DepthImage((metres * 1000).round().astype(np.uint16), 0.001)
        else:
            image = DepthImage(metres.astype(np.float32), 1.0)
        objects = lift(make_detections((seen == 0)[None]), image, rays, **values)
        assert objects.indices.tolist() == [0]
        return objects

    return lift_first


def room(solid, level, floor):
    """Put a solid on a floor, so many metres above the camera, and before a wall."""
    return [solid, Plane(level[2], floor), Plane(level[0], level[0] @ solid.centre + 1.5)]


def standing(distance, level, yaw, size):
    """Return a box on a floor at a distance, whose directions are level but for a yaw."""
    box = Box((0.1 * distance, 0.05 * distance, distance), size, turned(-yaw) @ level)
    return room(box, level, level[2] @ box.centre - size[2] / 2)


def yaws(objects):
    """Return by how much each box is turned about z, which must be its only turn."""
    np.testing.assert_allclose(objects.orientations[:, :2], 0, atol=1e-6)
    return 2 * np.degrees(np.arctan2(objects.orientations[:, 2], objects.orientations[:, 3]))


def upright_iou(centre, size, yaw, other_centre, other_size, other_yaw):
    """Return the IoU of two boxes that are turned about z only, degrees."""
    rectangles = [
        (tuple(map(float, place[:2])), tuple(map(float, edges[:2])), float(angle))
        for place, edges, angle in (
            (centre, size, yaw),
            (other_centre, other_size, other_yaw),
        )
    ]
    _, shared = cv2.rotatedRectangleIntersection(*rectangles)
    area = 0.0 if shared is None else cv2.contourArea(cv2.convexHull(shared))
    high = min(centre[2] + size[2] / 2, other_centre[2] + other_size[2] / 2)
    low = max(centre[2] - size[2] / 2, other_centre[2] - other_size[2] / 2)
    both = area * max(0.0, high - low)
    return both / (np.prod(size) + np.prod(other_size) - both)


def test_sizes_never_rotate(lift_first):
    """A cube of 0.5 m, seen by a camera pitched 45 degrees, keeps its size in the level frame."""
    level = pitched(45)
    objects = lift_first(standing(2.0, level, 45, (0.5, 0.5, 0.5)), up=level[2])
    moved = objects.transform(level, np.array([0, 0, 1.2]))
    np.testing.assert_allclose(moved.sizes, [[0.5, 0.5, 0.5]], rtol=0.03)
    np.testing.assert_array_equal(moved.sizes, objects.sizes)
    np.testing.assert_array_equal(moved.depths, objects.depths)
    assert yaws(moved) % 90 == pytest.approx(45, abs=2)
    np.testing.assert_allclose(moved.centres[0], level @ [0.2, 0.1, 2.0] + [0, 0, 1.2], atol=0.01)


@pytest.mark.parametrize('yaw', [15, 30, 45, 60, 75])
@pytest.mark.parametrize('distance', [0.8, 1.5, 2.0])
def test_a_cube_keeps_its_size_however_it_is_turned(yaw, distance, lift_first):
    level, side = pitched(30), 0.5 if distance > 1 else 0.25
    objects = lift_first(standing(distance, level, yaw, (side,) * 3), up=level[2])
    np.testing.assert_allclose(objects.sizes, side, rtol=0.03)


@pytest.mark.parametrize(
    ('damage', 'to_unit', 'least', 'median'),
    [
        ({}, np.float32, 0.85, 0.94),
        ({'missing': 0.2}, np.uint16, 0.85, 0.93),
        ({'missing': 0.2, 'flying': 2}, np.uint16, 0.6, 0.9),
        ({'missing': 0.2, 'flying': 1, 'noise': 0.003}, np.float32, 0.7, 0.85),
    ],
)
def test_upright_boxes_are_those_of_the_solids(damage, to_unit, least, median, lift_first):
    random = np.random.default_rng(1)
    ious = []
    for pitch, distance, yaw in product((20, 40, 60), (0.6, 2.0, 5.0), (20, 45, 65)):
        level = pitched(pitch)
        size = np.array([0.5, 0.35, 0.4]) * min(1, distance / 1.5)
        solids = standing(distance, level, yaw, size)
        objects = lift_first(
            solids,
            spoil=lambda depth: spoiled(depth, random, **damage),
            to_unit=to_unit,
            up=level[2],
        ).transform(level, np.zeros(3))
        assert objects.is_upright
        truth = (level @ solids[0].centre, size, yaw)
        ious.append(upright_iou(objects.centres[0], objects.sizes[0], yaws(objects)[0], *truth))
    assert min(ious) > least
    assert np.median(ious) > median


@pytest.mark.parametrize('model', LENSES)
def test_a_distorted_lens_changes_nothing(model, lift_first):
    rays = Calibration(SIZE, MATRIX, np.array(LENSES[model]), model).rays(is_rectified=False)
    level = pitched(30)
    box = Box((0.7, 0.45, 1.6), (0.4, 0.4, 0.4), turned(-35) @ level)  # far from the middle
    solids = room(box, level, level[2] @ box.centre - 0.2)
    objects = lift_first(solids, rays=rays, up=level[2]).transform(level, np.zeros(3))
    np.testing.assert_allclose(objects.sizes, 0.4, rtol=0.04)
    np.testing.assert_allclose(objects.centres[0], level @ box.centre, atol=0.015)


def test_without_up_boxes_lie_along_the_axes_of_the_camera(lift_first):
    box = Box((-0.3, 0.1, 1.5), (0.3, 0.2, 0.4))
    objects = lift_first([box, Plane((0, 0, 1), 4)])
    assert not objects.is_upright
    np.testing.assert_array_equal(objects.orientations, [[0, 0, 0, 1]])
    np.testing.assert_allclose(objects.sizes[0, :2], [0.3, 0.2], rtol=0.03)
    np.testing.assert_allclose(objects.sizes[0, 2], 0.4, rtol=0.06)  # of a side seen at 9 degrees
    np.testing.assert_allclose(objects.centres, [box.centre], atol=0.01)


def test_principal_axes_follow_a_bar_that_leans(lift_first):
    axes = turned(30)
    bar = Box((0.1, 0, 1.2), (0.6, 0.06, 0.002), axes)
    objects = lift_first(
        [bar, Plane((0, 0, 1), 4)], options=LiftingOptions(box='pca'), up=-axes[1]
    )
    assert not objects.is_upright
    np.testing.assert_allclose(objects.sizes[0, :2], [0.6, 0.06], rtol=0.03)
    x, y, z, w = objects.orientations[0]
    along = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)])
    assert abs(along @ axes[0]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('size', [(0.4, 0.3), (0.05, 0.4), (0.02, 0.02)])
def test_percentiles_do_not_shrink_a_flat_plate(size, lift_first):
    plate = Box((0.05, 0.02, 1.0), (*size, 0.001))
    objects = lift_first([plate, Plane((0, 0, 1), 1.5)])
    np.testing.assert_allclose(objects.sizes[0, :2], size, rtol=0.03, atol=1 / 525)


def test_a_slanted_plate_has_its_length(lift_first):
    axes = np.array(
        [[1, 0, 0], [0, 0.5, np.sqrt(0.75)], [0, -np.sqrt(0.75), 0.5]]
    )  # by 60 degrees
    plate = Box((0, 0, 1.5), (0.4, 0.6, 0.001), axes)
    objects = lift_first([plate, Plane((0, 0, 1), 3)])
    np.testing.assert_allclose(objects.sizes, [[0.4, 0.3, 0.6 * np.sqrt(0.75)]], rtol=0.03)


def test_round_solids_have_the_box_of_what_is_visible(lift_first):
    level = pitched(30)
    ball = Sphere((0, 0, 1.0), 0.15)
    objects = lift_first(room(ball, level, level[2] @ ball.centre - 0.15), up=level[2])
    np.testing.assert_allclose(sorted(objects.sizes[0])[-1], 0.3, rtol=0.07)
    np.testing.assert_allclose(objects.nearest, [[0, 0, 0.85]], atol=0.03)
    can = Cylinder((0, 0, 1.0), 0.1, 0.3, level)
    objects = lift_first(room(can, level, level[2] @ can.centre - 0.15), up=level[2])
    np.testing.assert_allclose(objects.sizes[0, 2], 0.3, rtol=0.03)
    np.testing.assert_allclose(objects.sizes[0, :2], 0.2, rtol=0.1)


def test_a_box_at_the_edge_of_the_image_ends_there(lift_first):
    objects = lift_first([Box((1.0, 0, 1.5), (0.6, 0.2, 0.001)), Plane((0, 0, 1), 3)])
    edge = (639.5 - 320) / 525 * 1.5
    assert objects.centres[0, 0] + objects.sizes[0, 0] / 2 == pytest.approx(edge, abs=0.003)
    assert objects.centres[0, 0] - objects.sizes[0, 0] / 2 == pytest.approx(0.7, abs=0.003)


@pytest.mark.parametrize('pitch', [0, 30, 60, 89, 90])
def test_z_of_an_upright_box_points_up_from_every_view(pitch, lift_first):
    level = pitched(pitch)
    objects = lift_first(standing(1.5, level, 20, (0.3, 0.2, 0.25)), up=level[2])
    x, y, z, w = objects.orientations[0]
    up = [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)]
    np.testing.assert_allclose(up, level[2], atol=1e-6)


@pytest.mark.parametrize('distance', [0.6, 2.0, 5.0])
def test_a_cube_before_whose_edge_a_level_camera_stands_keeps_its_size(distance, lift_first):
    solids = standing(distance, pitched(0), 45, (0.25 * distance,) * 3)
    objects = lift_first(solids, up=pitched(0)[2])
    np.testing.assert_allclose(objects.sizes[0], 0.25 * distance, rtol=0.03)
