"""Which depths are an object's, where its mask also covers something else or nothing at all."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from solids import Box, Cylinder, Plane, cast, pitched, spoiled

from yolact_core.detections import Detections
from yolact_core.lifting import Calibration, DepthImage, LiftingOptions, lift
from yolact_core.lifting.gate import gate
from yolact_core.lifting.surfaces import erode
from yolact_core.masks.instance_masks import InstanceMasks

SIZE = (480, 640)
MATRIX = np.array([[525.0, 0, 320], [0, 525, 240], [0, 0, 1]])
RAYS = Calibration(SIZE, MATRIX, np.zeros(0), '').rays(is_rectified=False)
WALL = Plane((0, 0, 1), 3.0)


@pytest.fixture
def lift_masks(make_detections):
    """Lift masks, shape (N, H, W), with depth in metres."""

    def lift_masks(masks, depth, **values):
        image = DepthImage(np.asarray(depth, np.float32), 1.0)
        return lift(make_detections(np.asarray(masks)), image, RAYS, **values)

    return lift_masks


def widened(mask, pixels):
    kernel = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(np.bool_)


def plate_and_wall(half=60, near=1.0, far=3.0):
    """Return the mask of a square in the middle of the image, and the depth of it and a wall."""
    mask = np.zeros(SIZE, np.bool_)
    mask[240 - half : 240 + half, 320 - half : 320 + half] = True
    return mask, np.where(mask, near, far)


@pytest.mark.parametrize('flying', [1, 2, 3])
def test_flying_pixels_pull_neither_centroid_nor_box(flying, lift_masks):
    box = Box((0.1, -0.05, 1.2), (0.4, 0.3, 0.002))
    depth, seen = cast(RAYS.table, [box, WALL])
    bad = spoiled(depth, np.random.default_rng(0), flying=flying)
    objects = lift_masks((seen == 0)[None], bad)
    np.testing.assert_allclose(objects.centroids, [box.centre], atol=0.005)
    np.testing.assert_allclose(objects.sizes[0, :2], [0.4, 0.3], rtol=0.03)
    assert objects.sizes[0, 2] < 0.02
    assert objects.points[0][:, 2].max() < 1.3


def test_the_wall_behind_a_mask_that_is_too_large_is_not_the_object(lift_masks):
    mask, depth = plate_and_wall()
    objects = lift_masks(widened(mask, 8)[None], depth)
    assert objects.depths.tolist() == [1.0]
    assert objects.points[0][:, 2].max() == 1.0
    assert objects.valid_shares[0] == pytest.approx(120**2 / 130**2, abs=0.05)
    np.testing.assert_allclose(objects.sizes[0, :2], 120 / 525, rtol=0.03)


def test_a_person_stands_before_a_wall_and_not_in_it(lift_masks):
    person = Cylinder((0, 0, 2.0), 0.2, 1.2, pitched(0))
    depth, seen = cast(RAYS.table, [person, Plane((0, 0, 1), 2.8)])
    objects = lift_masks(widened(seen == 0, 10)[None], depth, up=np.array([0, -1.0, 0]))
    assert objects.points[0][:, 2].max() < 2.05
    assert objects.sizes[0, :2].max() < 0.5
    np.testing.assert_allclose(objects.nearest[0, 2], 1.8, atol=0.01)


def test_the_bars_of_a_back_are_nearer_than_the_larger_wall_between_them(lift_masks):
    mask, depth = plate_and_wall()
    is_gap = np.arange(SIZE[1]) % 20 < 12  # six tenths are wall
    objects = lift_masks(mask[None], np.where(mask & is_gap, 3.0, depth))
    assert objects.depths.tolist() == [1.0]


def test_what_hides_a_small_part_is_not_the_object(lift_masks):
    mask, depth = plate_and_wall(near=2.0)
    depth[230:250] = 0.7  # a bar in front, which the mask covers too
    objects = lift_masks(mask[None], depth)
    assert objects.depths.tolist() == [2.0]
    assert objects.nearest[0, 2] == pytest.approx(2.0)


def test_an_object_behind_another_has_its_own_depth(lift_masks):
    front, back = Box((0, 0, 1.0), (0.2, 0.6, 0.05)), Box((0.05, 0, 1.6), (0.8, 0.3, 0.05))
    depth, seen = cast(RAYS.table, [front, back, WALL])
    objects = lift_masks(np.stack([seen == 0, seen == 1]), depth)
    np.testing.assert_allclose(objects.depths, [0.975, 1.575], atol=0.003)
    np.testing.assert_allclose(objects.sizes[:, 0], [0.2, 0.8], rtol=0.03)  # on both sides of it


def test_a_long_table_stays_in_one_piece(lift_masks):
    level = pitched(25)
    table = Box((0, 0.2, 2.2), (1.8, 0.8, 0.02), level)
    depth, seen = cast(RAYS.table, [table, Plane(level[2], -1.6)])
    bad = spoiled(depth, np.random.default_rng(0), missing=0.2, flying=1)
    objects = lift_masks((seen == 0)[None], bad, up=level[2])
    lengths = np.sort(objects.sizes[0])
    np.testing.assert_allclose(lengths[1:], [0.8, 1.8], rtol=0.03)
    assert objects.valid_shares[0] == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize('hole', [0, np.nan, np.inf])
def test_a_fifth_of_the_depth_may_be_missing(hole, lift_masks):
    box = Box((0.1, -0.05, 1.2), (0.4, 0.3, 0.002))
    depth, seen = cast(RAYS.table, [box, WALL])
    is_hole = np.random.default_rng(0).random(SIZE) < 0.2
    (share,) = lift_masks((seen == 0)[None], np.where(is_hole, hole, depth)).valid_shares
    assert share == pytest.approx(0.8, abs=0.03)
    objects = lift_masks((seen == 0)[None], np.where(is_hole, hole, depth))
    np.testing.assert_allclose(objects.centroids, [box.centre], atol=0.005)
    np.testing.assert_allclose(objects.sizes[0, :2], [0.4, 0.3], rtol=0.03)


def test_too_little_depth_is_none(lift_masks):
    mask, depth = plate_and_wall()
    depth[np.random.default_rng(0).random(SIZE) < 0.95] = 0
    assert len(lift_masks(mask[None], depth)) == 0
    few = lift_masks(mask[None], depth, options=LiftingOptions(min_valid_share=0.02))
    assert few.depths.tolist() == [1.0]


def test_millimetres_and_metres_are_the_same_object(make_detections):
    mask, depth = plate_and_wall(near=1.234)
    found = [
        lift(make_detections(mask[None]), image, RAYS)
        for image in (
            DepthImage((depth * 1000).round().astype(np.uint16), 0.001),
            DepthImage(depth.astype(np.float32), 1.0),
        )
    ]
    np.testing.assert_allclose(found[0].depths, [1.234], rtol=1e-6)
    for name in ('depths', 'centroids', 'nearest', 'centres', 'sizes'):
        np.testing.assert_allclose(
            getattr(found[0], name), getattr(found[1], name), rtol=1e-5, atol=1e-6
        )


def test_one_wild_pixel_is_not_the_nearest_point(lift_masks):
    mask, depth = plate_and_wall(half=100)
    depth[240, 320] = 0.97
    objects = lift_masks(mask[None], depth)
    assert objects.nearest[0, 2] == pytest.approx(1.0)
    assert (objects.nearest[0].astype(np.float32) == objects.points[0]).all(axis=1).any()


@pytest.mark.parametrize(('height', 'width'), [(1, 1), (2, 2), (3, 3), (1, 200), (300, 2), (5, 5)])
def test_small_and_thin_masks_keep_their_core(height, width, lift_masks):
    mask = np.zeros(SIZE, np.bool_)
    mask[100 : 100 + height, 200 : 200 + width] = True
    objects = lift_masks(mask[None], np.full(SIZE, 2.0), up=np.array([0, -1.0, 0]))
    assert objects.depths.tolist() == [2.0]
    lengths = np.sort(objects.sizes[0])
    truth = np.sort([height, width]) * 2 / 525
    np.testing.assert_allclose(lengths[2], truth[1], rtol=0.05, atol=2 / 525)
    assert lengths[1] <= truth[0] + 1e-4


@pytest.mark.parametrize(('side', 'lost'), [(2, 0), (12, 1), (60, 2), (200, 3)])
def test_the_rim_that_is_lost_grows_with_the_mask(side, lost):
    core, erosion = erode(np.ones((side, side), np.bool_), 3)
    assert erosion == lost
    assert core.sum() == (side - 2 * lost) ** 2
    assert erode(np.ones((side, side), np.bool_), 0)[1] == 0


@pytest.mark.parametrize('most', [100, 700, 2000])
@pytest.mark.parametrize('half', [3, 20, 90, 200])
def test_points_are_bounded_and_evenly_over_the_mask(most, half, lift_masks):
    mask, depth = plate_and_wall(half=half)
    objects = lift_masks(mask[None], depth, options=LiftingOptions(max_points=most))
    (points,), (pixels,) = objects.points, objects.pixels
    assert min(most, half**2) / 4 <= len(points) <= most
    assert (points.dtype, pixels.dtype) == (np.float32, np.int32)
    assert mask[pixels[:, 1], pixels[:, 0]].all()
    at = RAYS.to_points(pixels, depth[pixels[:, 1], pixels[:, 0]].astype(np.float32))
    np.testing.assert_array_equal(points, at)
    np.testing.assert_allclose(pixels.mean(axis=0), [319.5, 239.5], atol=half / 8)


def test_nothing_of_the_size_of_the_image_is_made(make_detections, monkeypatch):
    size = (1080, 1920)
    random = np.random.default_rng(0)
    corners = random.integers(0, 1000, (20, 2)).tolist()
    masks = InstanceMasks.from_crops(
        [(np.ones((60, 80), np.bool_), (x, y)) for x, y in corners], size
    )
    few = make_detections(np.zeros((0, 1, 1), np.bool_))
    detections = Detections(
        masks.boxes(), *(np.ones(20, np.float32),) * 2, np.zeros(20, np.int64), few.coefficients,
        masks, few.all_class_names,
    )  # fmt: skip
    rays = Calibration(size, MATRIX, np.zeros(0), '').rays(is_rectified=False)
    depth = DepthImage(np.full(size, 1500, np.uint16), 0.001)
    monkeypatch.delattr(InstanceMasks, 'dense')
    lift(detections, depth, rays)
    tracemalloc.start()
    objects = lift(detections, depth, rays)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(objects) == 20
    held = sum(points.nbytes * 2 for points in objects.points)
    assert peak - held < size[0] * size[1] / 2


def test_no_depths_are_nobodys():
    assert gate(np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize('count', [1, 2, 3, 10])
def test_few_depths_at_one_place_are_all_kept(count):
    assert gate(np.full(count, 1.5, np.float32)).all()


def test_a_plate_on_thin_legs_loses_one_pixel_only():
    mask = np.zeros((100, 100), np.bool_)
    mask[:30] = mask[:, :8] = mask[:, -8:] = True
    core, erosion = erode(mask, 3)
    assert erosion == 1
    assert core[50].sum() == 12
