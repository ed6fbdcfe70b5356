import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import CLASS_NAMES, make_detections, make_nothing

from yolact_core.lifting.depth_image import DepthImage
from yolact_core.lifting.nav_grid import NavGrid, number_classes
from yolact_core.lifting.rays import Rays, pinhole_rays

SIZE = (37, 53)
EVERY_CLASS = {0: 1, 1: 2, 2: 3}


@pytest.fixture
def rays():
    return pinhole_rays(SIZE, np.array([[60.0, 0, 26], [0, 70.0, 18], [0, 0, 1]]))


@pytest.fixture
def flat():
    """Everything is 2 m away."""
    return DepthImage(np.full(SIZE, 2000, dtype=np.uint16), 0.001)


@settings(max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 120))
def test_pixels_lie_evenly_and_each_is_taken_once(height, width, wanted):
    grid = NavGrid.over(Rays(np.zeros((height, width, 2), dtype=np.float32)), wanted)
    assert grid.size[1] == min(wanted, width)
    assert grid.size[0] == max(1, round(height * grid.size[1] / width))
    for pixels, length in ((grid.rows, height), (grid.columns, width)):
        assert 0 <= pixels[0] <= pixels[-1] < length
        assert (np.diff(pixels) > 0).all()
        gaps = np.diff(np.concatenate([[-pixels[0] - 1], pixels, [2 * length - pixels[-1] - 1]]))
        assert gaps.max() - gaps.min() <= 2


@pytest.mark.parametrize('kind', [np.uint16, np.float32])
def test_points_are_those_of_the_chosen_pixels(rays, kind):
    generator = np.random.default_rng(1)
    unit = 0.001 if kind is np.uint16 else 1.0
    metres = generator.uniform(0.5, 9, SIZE) * (generator.random(SIZE) < 0.7)
    depth = DepthImage((metres / unit).astype(kind), unit)
    grid = NavGrid.over(rays, 20)
    points = grid.points(depth)
    assert points.dtype == np.float32
    assert points.shape == (14, 20, 3)
    for (row, column), point in zip(np.ndindex(14, 20), points.reshape(-1, 3), strict=True):
        y, x = grid.rows[row], grid.columns[column]
        z = depth.values[y, x] * unit
        expected = [(x - 26) / 60 * z, (y - 18) / 70 * z, z] if z else [np.nan] * 3
        np.testing.assert_allclose(point, expected, rtol=1e-5)
    assert np.isnan(points).any()


def test_where_the_lens_shows_nothing_there_is_no_point(flat):
    table = np.zeros((*SIZE, 2), dtype=np.float32)
    table[:, :10] = np.nan
    points = NavGrid.over(Rays(table), 53).points(flat)
    assert np.isnan(points[:, :10]).all()
    assert not np.isnan(points[:, 10:]).any()


@pytest.mark.parametrize('width', [53, 20, 7, 1])
def test_classes_are_those_of_the_best_instance_at_the_chosen_pixels(rays, flat, width):
    detections = make_detections()[1:]
    grid = NavGrid.over(rays, width)
    classes, confidence = grid.classes(detections, grid.points(flat), EVERY_CLASS, 0)
    assert classes.shape == confidence.shape == grid.size
    assert classes.dtype == confidence.dtype == np.uint8
    dense = detections.masks.dense()
    for row, column in np.ndindex(*grid.size):
        found = np.flatnonzero(dense[:, grid.rows[row], grid.columns[column]])
        best = found[0] if len(found) else None
        number = 0 if best is None else detections.class_ids[best] + 1
        score = 0 if best is None else (detections.scores[best] * 255).round()
        assert (classes[row, column], confidence[row, column]) == (number, score)


def test_classes_that_are_not_shown_hide_nothing(rays, flat):
    detections = make_detections()  # the best one, a person, fills the image
    grid = NavGrid.over(rays, 53)
    classes, confidence = grid.classes(detections, grid.points(flat), {1: 1}, 255)
    chairs = detections[detections.class_ids == 1].masks.union()
    np.testing.assert_array_equal(classes, np.where(chairs, 1, 255))
    assert (confidence[chairs] > 0).all()
    assert not confidence[~chairs].any()


def test_where_nothing_is_found_everything_is_background(rays, flat):
    grid = NavGrid.over(rays, 20)
    classes, confidence = grid.classes(make_nothing(), grid.points(flat), EVERY_CLASS, 7)
    assert (classes == 7).all()
    assert not confidence.any()


def test_the_wall_beside_an_object_is_no_part_of_it(rays):
    detections = make_detections(2)[:1]  # fills the image
    values = np.full(SIZE, 1500, dtype=np.uint16)
    values[:, 45:] = 4000  # what the rim of the mask has of the wall behind
    values[10, 10] = 0
    grid = NavGrid.over(rays, 53)
    points = grid.points(DepthImage(values, 0.001))
    classes, confidence = grid.classes(detections, points, EVERY_CLASS, 0)
    assert (classes[:, :45] == 1).all()  # also where nothing is measured
    assert not classes[:, 45:].any()
    np.testing.assert_array_equal(confidence > 0, classes > 0)


def test_no_class_has_the_number_of_the_background():
    assert number_classes(CLASS_NAMES, (), 0) == {0: 1, 1: 2, 2: 3}
    assert number_classes(CLASS_NAMES, (), 1) == {0: 0, 1: 2, 2: 3}
    assert number_classes(CLASS_NAMES, (), 255) == {0: 0, 1: 1, 2: 2}


def test_a_class_keeps_its_number_whatever_is_chosen():
    assert number_classes(CLASS_NAMES, ('cup', 'person'), 0) == {0: 1, 2: 3}


@pytest.mark.parametrize('background', [0, 100, 255])
def test_classes_that_do_not_fit_into_8_bits_have_no_number(background):
    numbers = number_classes([str(index) for index in range(400)], (), background)
    assert list(numbers) == list(range(255))
    assert {*numbers.values(), background} == set(range(256))
