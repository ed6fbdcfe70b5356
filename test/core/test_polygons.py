import numpy as np
from hypothesis import given
from hypothesis.extra import numpy as hnp

from yolact_core.masks.instance_masks import mask_to_polygons

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10)


def fill_even_odd(parts, height, width):
    """Count, left of each pixel's centre, the edges of all rings: odd means inside."""
    mask = np.zeros((height, width), dtype=bool)
    for part in parts:
        for ring in part:
            for (x, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if x == x2:
                    mask[min(y1, y2) : max(y1, y2), x:] ^= True
    return mask


@given(hnp.arrays(bool, shapes))
def test_filling_the_outlines_gives_back_the_mask(mask):
    np.testing.assert_array_equal(fill_even_odd(mask_to_polygons(mask), *mask.shape), mask)


@given(hnp.arrays(bool, shapes))
def test_outlines_run_along_the_edges_of_pixels_without_needless_points(mask):
    for part in mask_to_polygons(mask):
        for ring in part:
            steps = np.roll(ring, -1, axis=0) - ring
            assert ((steps == 0).sum(axis=1) == 1).all()  # horizontal or vertical, never both
            assert len(ring) >= 4


def test_a_ring_has_one_part_with_a_hole_and_an_island_is_a_part():
    mask = np.zeros((7, 7), dtype=bool)
    mask[1:6, 1:6] = True
    mask[2:5, 2:5] = False
    mask[3, 3] = True
    parts = mask_to_polygons(mask)
    assert sorted(len(part) for part in parts) == [1, 2]
    outline, hole = next(part for part in parts if len(part) == 2)
    assert {tuple(point) for point in outline.tolist()} == {(1, 1), (6, 1), (6, 6), (1, 6)}
    assert {tuple(point) for point in hole.tolist()} == {(2, 2), (5, 2), (5, 5), (2, 5)}


def test_a_single_pixel_is_a_square_at_its_corner_in_the_image():
    ((outline,),) = mask_to_polygons(np.ones((1, 1), dtype=bool), corner=(30, 40))
    assert {tuple(point) for point in outline.tolist()} == {(30, 40), (31, 40), (31, 41), (30, 41)}


def test_an_empty_mask_has_no_outline():
    assert mask_to_polygons(np.zeros((4, 4), dtype=bool)) == []
    assert mask_to_polygons(np.zeros((0, 0), dtype=bool)) == []
