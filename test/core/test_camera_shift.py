"""Whether the camera has moved, or only what it sees."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from yolact_core.tracking.camera_shift import CameraShift, SmallView

SIZE = (240, 320)
NO_BOXES = np.zeros((0, 4))


def texture(seed, height, width):
    levels = np.random.default_rng(seed).integers(0, 255, (height // 8, width // 8, 1), np.uint8)
    return levels.repeat(8, axis=0).repeat(8, axis=1).repeat(3, axis=2)


def people_before_a_wall(left):
    """Return a plain wall above a textured floor, a crowd before it, and the crowd's box."""
    rgb = np.full((*SIZE, 3), 128, np.uint8)
    rgb[200:] = texture(1, 40, 320)
    rgb[40:200, left : left + 160] = texture(2, 160, 160)
    return rgb, np.array([[left, 40, left + 160, 200]], np.float64)


def follow(images):
    camera = CameraShift()
    is_same = [camera.follow(SmallView.of(rgb), boxes) for rgb, boxes in images]
    return camera.total, is_same


def test_who_walks_before_a_plain_wall_is_no_camera_that_turns():
    images = [people_before_a_wall(left) for left in (40, 56, 72)]
    total, is_same = follow(images)
    assert total.tolist() == [0, 0]
    assert is_same == [True] * 3


def test_without_knowing_who_walks_that_cannot_be_told():
    images = [(people_before_a_wall(left)[0][:200], NO_BOXES) for left in (40, 56, 72)]
    total, _ = follow(images)
    assert total[0] == pytest.approx(32, abs=4)


def test_a_camera_that_turns_with_people_in_view_is_one():
    wall = texture(3, 240, 400)
    images = [
        (
            np.ascontiguousarray(wall[:, left : left + 320]),
            np.array([[100.0 - left, 40, 160, 200]]),
        )
        for left in (0, 16, 32)
    ]
    total, is_same = follow(images)
    np.testing.assert_allclose(total, [-32, 0], atol=2)
    assert is_same == [True] * 3


def test_an_image_that_objects_fill_is_judged_as_a_whole():
    wall, everything = texture(3, 240, 400), np.array([[0.0, 0, 320, 240]])
    images = [(np.ascontiguousarray(wall[:, left : left + 320]), everything) for left in (0, 16)]
    np.testing.assert_allclose(follow(images)[0], [-16, 0], atol=2)


@pytest.mark.parametrize('size', [(240, 320), (360, 640)])
def test_a_camera_that_pans_does_not_seem_to_tilt(size):
    """It does where an image is compared with the next one as the window has left it."""
    blobs = np.random.default_rng(0).integers(0, 256, (9, 18, 3), dtype=np.uint8)
    wall = cv2.resize(blobs, (720, 360), interpolation=cv2.INTER_CUBIC)
    lefts = [0, 2, 4] * 30
    images = [
        (np.ascontiguousarray(wall[: size[0], left : left + size[1]]), NO_BOXES) for left in lefts
    ]
    total, is_same = follow(images)
    assert abs(total[1]) < 1
    assert all(is_same)
