"""What lifting says of solids whose place and size are known."""

from __future__ import annotations

import numpy as np
import pytest
from solids import Box, Plane, cast, pitched

from yolact_core.errors import InputError
from yolact_core.lifting import Calibration, DepthImage, LiftingOptions, Objects, lift

SIZE = (240, 320)
MATRIX = np.array([[280.0, 0, 160], [0, 280, 120], [0, 0, 1]])
RAYS = Calibration(SIZE, MATRIX, np.zeros(0), '').rays(is_rectified=False)
WALL = Plane((0, 0, 1), 3.0)


@pytest.fixture
def see(make_detections):
    """Lift solids, the last of which is background, with exact masks."""

    def see(*solids, rays=RAYS, spoil=lambda depth, seen: depth, **values) -> Objects:
        depth, seen = cast(rays.table, solids)
        masks = np.stack([seen == index for index in range(len(solids) - 1)])
        metres = spoil(depth, seen).astype(np.float32)
        return lift(make_detections(masks), DepthImage(metres, 1.0), rays, **values)

    return see


def test_a_plate_in_front_of_a_wall_has_its_place_and_size(see):
    objects = see(Box((0.2, -0.1, 1.5), (0.4, 0.3, 0.002)), WALL)
    assert objects.indices.tolist() == [0]
    np.testing.assert_allclose(objects.depths, [1.5], atol=0.005)
    np.testing.assert_allclose(objects.centroids, [[0.2, -0.1, 1.5]], atol=0.01)
    np.testing.assert_allclose(objects.centres, [[0.2, -0.1, 1.5]], atol=0.01)
    assert objects.valid_shares == 1.0
    assert not objects.is_upright
    np.testing.assert_array_equal(objects.orientations, [[0, 0, 0, 1]])


def test_no_detections_are_no_objects(make_detections):
    depth = DepthImage(np.ones(SIZE, np.float32), 1.0)
    objects = lift(make_detections(np.zeros((0, *SIZE), np.bool_)), depth, RAYS)
    assert len(objects) == 0
    for values in (objects.centroids, objects.nearest, objects.centres, objects.sizes):
        assert values.shape == (0, 3)
    assert objects.orientations.shape == (0, 4)
    assert len(objects.transform(pitched(30), np.ones(3))) == 0


def test_masks_without_depth_are_no_objects(make_detections):
    masks = np.zeros((3, *SIZE), np.bool_)
    masks[0, 10:50, 10:50] = masks[1, 100:150, 100:150] = True  # the third one is empty
    values = np.full(SIZE, 1500, np.uint16)
    values[:60, :60] = 0
    objects = lift(make_detections(masks), DepthImage(values, 0.001), RAYS)
    assert objects.indices.tolist() == [1]
    np.testing.assert_allclose(objects.depths, [1.5])


@pytest.mark.parametrize('other', ['depth', 'rays'])
def test_what_is_of_another_size_is_refused(other, make_detections):
    small = Calibration((24, 32), MATRIX, np.zeros(0), '').rays(is_rectified=False)
    depth = np.ones((24, 32) if other == 'depth' else SIZE, np.float32)
    with pytest.raises(InputError, match=r'must be of one size \(height, width\), got \(240, 320'):
        lift(
            make_detections(np.zeros((1, *SIZE), np.bool_)),
            DepthImage(depth, 1.0),
            small if other == 'rays' else RAYS,
        )


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'max_erosion': -1}, 'max_erosion must be 0 or more, got -1'),
        ({'min_valid_share': 0}, r'min_valid_share must be in \(0, 1\], got 0'),
        ({'max_points': 10}, 'max_points must be at least 100, got 10'),
        ({'box': 'round'}, "box must be auto or pca, got 'round'"),
    ],
)
def test_options_out_of_range_are_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        LiftingOptions(**values)


@pytest.mark.parametrize(
    ('values', 'unit', 'sentence'),
    [
        (np.ones((2, 2)), 1.0, 'depth must be uint16 or float32 .* got float64'),
        (np.ones((2, 2, 1), np.uint16), 1.0, r'got uint16 of shape \(2, 2, 1\)'),
        (np.ones((2, 2), np.uint16), 0.0, 'metres_per_unit must be above 0, got 0.0'),
    ],
)
def test_depth_that_is_none_is_refused(values, unit, sentence):
    with pytest.raises(InputError, match=sentence):
        DepthImage(values, unit)


def test_nothing_measured_is_not_a_distance():
    values = np.array([[0, -1, np.nan, np.inf, -np.inf, 2.5]], np.float32)
    np.testing.assert_array_equal(DepthImage(values, 1.0).crop(0, 0, 1, 6), [[np.nan] * 5 + [2.5]])
    millimetres = DepthImage(np.array([[0, 2500]], np.uint16), 0.001)
    np.testing.assert_allclose(millimetres.crop(0, 0, 1, 2), [[np.nan, 2.5]])
