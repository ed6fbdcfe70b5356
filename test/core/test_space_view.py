"""Points and boxes in space are drawn where somebody beside the camera sees them."""

from __future__ import annotations

import numpy as np
import pytest

from yolact_core.visualization.space import BACKGROUND, SpaceBoxes, draw_space

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
SIZE = (240, 320)


def make_boxes(*places, size=(0.5, 0.5, 0.5), texts=None):
    count = len(places)
    return SpaceBoxes(
        centres=np.array(places, dtype=np.float64).reshape(-1, 3),
        sizes=np.tile(np.array(size), (count, 1)),
        orientations=np.tile([0.0, 0.0, 0.0, 1.0], (count, 1)),
        colors=[RED, GREEN][:count],
        texts=texts or [''] * count,
    )


def draw(points, boxes, color=BLUE):
    points = np.array(points, dtype=np.float32).reshape(-1, 3)
    return draw_space(points, np.tile(np.uint8(color), (len(points), 1)), boxes, SIZE)


def places_of(image, color):
    """Return rows and columns of a colour, which smooth lines mix with the background."""
    channel = int(np.argmax(color))
    others = np.delete(image.astype(int), channel, axis=2).max(axis=2)
    rows, columns = (image[..., channel] > others + 60).nonzero()
    assert len(rows), f'{color} is not drawn'
    return rows, columns


def test_nothing_found_shows_the_camera_alone():
    image = draw([], make_boxes())
    assert image.shape == (*SIZE, 3)
    assert 0 < (image != BACKGROUND).any(axis=2).mean() < 0.5


def test_a_point_in_the_middle_of_a_box_is_drawn_within_its_outline():
    image = draw([0, 0, 2], make_boxes((0, 0, 2)))
    (rows, columns), (box_rows, box_columns) = places_of(image, BLUE), places_of(image, RED)
    assert box_rows.min() < rows.min() < rows.max() < box_rows.max()
    assert box_columns.min() < columns.min() < columns.max() < box_columns.max()


@pytest.mark.parametrize(
    ('shift', 'axis', 'sign'),
    [((1.0, 0, 0), 1, 1), ((0, 1.0, 0), 0, 1), ((0, 0, 1.5), 0, -1)],
)
def test_right_is_right_down_is_down_and_farther_is_higher(shift, axis, sign):
    image = draw([], make_boxes((0, 0, 2), np.add((0, 0, 2), shift)))
    here, there = (places_of(image, color)[axis].mean() for color in (RED, GREEN))
    assert sign * (there - here) > 10


def test_everything_fits_into_the_picture_however_far_away():
    for scale in (0.1, 1.0, 50.0):
        places = scale * np.array([[-1, 0, 2], [1, 0.5, 6]])
        image = draw([], make_boxes(*places, size=[0.4 * scale] * 3))
        border = np.concatenate([image[[0, -1]].reshape(-1, 3), image[:, [0, -1]].reshape(-1, 3)])
        assert (border == BACKGROUND).all()
        places_of(image, RED)
        places_of(image, GREEN)


def test_near_points_hide_those_behind_them():
    near, far = (0, 0, 2), (0, 0, 4)
    boxes = make_boxes((0, 0, 3))
    line = np.linspace(near, far, 50).astype(np.float32)  # seen from above, each hides the next
    colors = np.tile(np.uint8(BLUE), (50, 1))
    colors[0] = GREEN
    image = draw_space(line, colors, boxes, SIZE)
    assert len(places_of(image, GREEN)[0]) == 4  # the whole square of the nearest
    reversed_image = draw_space(line[::-1], colors[::-1], boxes, SIZE)
    np.testing.assert_array_equal(image, reversed_image)


def test_names_stand_beside_their_boxes():
    short = draw([], make_boxes((0, 0, 2), texts=['']))
    rows, columns = (draw([], make_boxes((0, 0, 2), texts=['a cup'])) != short).any(2).nonzero()
    box_rows, box_columns = places_of(short[40:], RED)  # below the tag
    assert rows.max() < box_rows.min() + 40
    assert box_columns.min() <= columns.min() < columns.max() < box_columns.max()
