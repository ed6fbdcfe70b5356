"""What objects in space are measured against: boxes, lenses, faults of depth, and views."""

import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')
pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')
pytest.importorskip('pycocotools.mask', reason='the indoor recipe needs pycocotools')

from recipes.indoor.assets.primitives import box
from recipes.indoor.rooms.rendering import open_graphics
from recipes.lifting.boxes import UprightBox, smallest_upright, upright_iou
from recipes.lifting.findings import find, to_detections
from recipes.lifting.lens import LENSES, SIZE, WIDE_SIZE, Lens, undistort
from recipes.lifting.measure import match
from recipes.lifting.spoiling import spoil
from recipes.lifting.views import CUBE, PITCHES, Specimen, View, render_specimen
from yolact_core.lifting import Calibration, DepthImage

UNIT = UprightBox(np.zeros(3), np.ones(3), 0.0)


@pytest.mark.parametrize(
    ('other', 'expected'),
    [
        (UNIT, 1.0),
        (UprightBox(np.array([0.5, 0, 0]), np.ones(3), 0.0), 1 / 3),
        (UprightBox(np.zeros(3), np.ones(3), np.pi / 2), 1.0),
        (UprightBox(np.array([0, 0, 0.5]), np.array([1, 1, 2.0]), 0.0), 0.5),
        (UprightBox(np.array([0, 0, 2.0]), np.ones(3), 0.0), 0.0),
        (UprightBox(np.array([3, 0, 0.0]), np.ones(3), 0.3), 0.0),
        (UprightBox(np.zeros(3), np.ones(3), np.pi / 4), 1 / np.sqrt(2)),  # both share an octagon
    ],
)
def test_boxes_overlap_as_their_volumes_do(other, expected):
    assert upright_iou(UNIT, other) == pytest.approx(expected, abs=1e-5)
    assert upright_iou(other, UNIT) == pytest.approx(expected, abs=1e-5)


def test_the_smallest_box_around_a_turned_one_is_that_one():
    corners = np.array(np.meshgrid((-1, 1), (-0.5, 0.5), (0, 0.3))).reshape(3, -1).T
    cosine, sine = np.cos(0.4), np.sin(0.4)
    turned = corners @ np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]) + (5, 6, 7)
    true = UprightBox(np.array([5, 6, 7.15]), np.array([2, 1, 0.3]), 0.4)
    assert upright_iou(smallest_upright(turned), true) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('distortion', LENSES)
def test_rays_of_a_lens_meet_the_sensor_where_they_are_seen(distortion):
    k1, k2, p1, p2, k3 = distortion
    seen_x, seen_y = np.meshgrid(np.linspace(-0.7, 0.7, 9), np.linspace(-0.5, 0.5, 7))
    x, y = undistort(seen_x, seen_y, distortion)
    square = x * x + y * y
    radial = 1 + k1 * square + k2 * square**2 + k3 * square**3
    np.testing.assert_allclose(
        x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x), seen_x, atol=1e-9
    )
    np.testing.assert_allclose(
        y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y, seen_y, atol=1e-9
    )


@pytest.mark.parametrize('distortion', LENSES)
def test_a_lens_looks_into_the_rendering_only_and_bends_by_many_pixels(distortion):
    lens = Lens(distortion)
    for indices, side in ((lens.rows, WIDE_SIZE[0]), (lens.columns, WIDE_SIZE[1])):
        assert 0 <= indices.min() < indices.max() < side
    depth = np.full(WIDE_SIZE, 2.0, np.float32)
    surface, _ = lens.look(depth, np.zeros(WIDE_SIZE, np.int32))
    straight = Calibration(SIZE, np.array([[460.0, 0, 318.3], [0, 462, 243.7], [0, 0, 1]]),
                           np.zeros(0), '').rays(is_rectified=False)  # fmt: skip
    assert np.abs(surface[0, 0, :2] / 2 - straight.table[0, 0]).max() * 460 > 20


def test_spoilt_depth_misses_a_fifth_and_flies_at_rims_only():
    mask = np.zeros((1, 100, 100), bool)
    mask[0, 30:70, 30:70] = True
    depth = np.where(mask[0], 1.0, 3.0).astype(np.float32)
    spoilt = spoil(depth, mask, np.random.default_rng(0)).astype(float)
    assert np.mean(spoilt == 0) == pytest.approx(0.2, abs=0.01)
    spoilt[spoilt == 0] = np.nan
    for inside in (np.s_[31:69, 31:69], np.s_[:29]):
        known = spoilt[inside][~np.isnan(spoilt[inside])]
        np.testing.assert_array_equal(known, 1000 * depth[inside].max())
    rim = spoilt[30, 30:70]
    assert np.nanmin(rim) > 999
    assert np.nanmean(np.abs(rim - 1000) > 100) > 0.5


def test_a_mask_is_matched_with_the_object_that_it_covers_more_than_half_of():
    true = np.zeros((2, 4, 8), bool)
    true[0, :, :4] = true[1, :, 4:] = True
    found = np.zeros((3, 4, 8), bool)
    found[0, :2, :2] = found[1, :, :3] = True
    assert match(true, found) == [(1, 0)]
    assert match(true, found[:0]) == []
    assert match(true[:0], found) == []


@pytest.fixture
def plate():
    """A view of a plate of 1 m by 0.5 m, 2 m in front of a level camera, before a wall."""
    matrix = np.array([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])
    rays = Calibration((120, 160), matrix, np.zeros(0), '').rays(is_rectified=False)
    mask = np.zeros((1, 120, 160), bool)
    mask[0, 48:73, 56:106] = True
    z = np.where(mask[0], 2.0, 4.0)[..., None]
    surface = np.concatenate([rays.table * z, z], axis=2).astype(np.float32)
    level = np.eye(4)
    level[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]
    whole = UprightBox(np.array([0, 2.0, 0]), np.array([1, 0.04, 0.5]), 0.0)
    return View(('plate',), surface, mask, rays, level, (whole,))


def test_a_plate_without_depth_of_its_own_has_a_box_that_agrees(plate):
    depth = DepthImage(plate.surface[..., 2].copy(), 1.0)
    (finding,) = find(plate, depth, to_detections(plate.masks), [0])
    assert (finding.kind, finding.distance) == ('plate', pytest.approx(2.0, abs=0.02))
    assert finding.error < 0.01
    assert finding.iou > 0.85
    assert finding.whole_iou > 0.8


def test_what_cannot_be_lifted_is_infinitely_wrong(plate):
    depth = DepthImage(np.zeros((120, 160), np.uint16), 0.001)
    (finding,) = find(plate, depth, to_detections(plate.masks), [0])
    assert (finding.error, finding.iou) == (np.inf, 0.0)
    assert not finding.error <= finding.tolerance


@pytest.mark.slow
def test_a_rendered_cube_has_its_surface_where_it_stands():
    try:
        context = open_graphics(*WIDE_SIZE)
    except (ImportError, AttributeError, RuntimeError) as error:
        pytest.skip(f'no off-screen graphics here: {error}')
    cube = box((-0.25, -0.25, 0), (0.25, 0.25, 0.5), (1.0, 0.0, 0.0, 1.0))
    specimen = Specimen(CUBE, [cube], np.pi / 4, (2.0,))
    views = list(render_specimen(specimen, Lens(LENSES[0]), np.random.default_rng(0)))
    context.free()
    assert len(views) == len(PITCHES)
    for view in views:
        pose = view.camera_to_room
        points = view.surface[view.masks[0]] @ pose[:3, :3].T + pose[:3, 3]
        diamond = np.abs(points[:, 0]) + np.abs(points[:, 1])
        on_side = np.abs(diamond - 0.25 * np.sqrt(2)) < 0.005
        on_top = np.abs(points[:, 2] - 0.5) < 0.005
        assert len(points) > 5000
        assert np.mean(on_side | on_top) > 0.999
        rays = view.surface[view.masks[0]][:, :2] / view.surface[view.masks[0]][:, 2:]
        np.testing.assert_allclose(rays, view.rays.table[view.masks[0]], atol=0.75 / 700)
