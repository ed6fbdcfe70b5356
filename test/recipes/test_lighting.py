"""Soft light: what hides what, which colours spread, and exposure."""

import json

import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')
pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')
pytest.importorskip('pycocotools.mask', reason='the indoor recipe needs pycocotools')

from recipes.indoor.assets.models import (
    Model,
    ModelInfo,
    ModelPack,
    save_index,
    save_model,
    with_top,
)
from recipes.indoor.assets.primitives import box
from recipes.indoor.dataset.render import Options, Shard, render_shard
from recipes.indoor.rooms.camera import looking_at
from recipes.indoor.rooms.furnish import Furnished
from recipes.indoor.rooms.layout import Placement
from recipes.indoor.rooms.lighting import (
    camera_points,
    exposed,
    facing_normals,
    photograph,
    shaded,
    shifted,
    surroundings,
)
from recipes.indoor.rooms.rendering import SceneRenderer, open_graphics
from recipes.indoor.rooms.room import Room
from recipes.indoor.rooms.scene import BACKGROUND, Scene, SceneBuilder

SIZE = (60, 80)
CAMERA = looking_at((0, -3, 0), (0, 0, 0), 0.0, np.radians(60))
GREY = (0.6, 0.6, 0.6, 1.0)


def depth_of(distance):
    return np.full(SIZE, distance, np.float32)


def corner():
    """Return the depth of a wall to the left and one to the right that meet in the middle."""
    return np.broadcast_to(2 - np.abs(np.linspace(-1, 1, SIZE[1])), SIZE).astype(np.float32)


def graphics(height, width):
    try:
        return open_graphics(height, width)
    except (ImportError, AttributeError, RuntimeError) as error:
        pytest.skip(f'no off-screen graphics here: {error}')


def test_points_seen_project_to_the_pixels_they_are_seen_at():
    points = camera_points(depth_of(2.0), CAMERA).reshape(-1, 3)
    world = points @ CAMERA.rotation.T + CAMERA.position
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    expected = np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5
    np.testing.assert_allclose(CAMERA.project(world, *SIZE), expected, atol=1e-3)


def test_normals_of_a_wall_look_at_the_camera_up_to_its_edges():
    depth = depth_of(2.0)
    depth[:, 40:] = 5.0
    normals = facing_normals(camera_points(depth, CAMERA))
    np.testing.assert_allclose(normals, np.broadcast_to((0, 0, -1), normals.shape), atol=1e-3)


def test_nothing_hides_a_wall_and_walls_hide_their_corner():
    light = np.full((*SIZE, 3), 0.5, np.float32)
    hidden, lent = surroundings(light, depth_of(2.0), CAMERA)
    assert np.abs(hidden).max() == pytest.approx(0, abs=1e-6)
    assert np.abs(lent).max() == pytest.approx(0, abs=1e-6)
    hidden, _ = surroundings(light, corner(), CAMERA)
    middle, side = hidden[20:40, 38:42].mean(), hidden[20:40, 8:12].mean()
    assert middle > 0.02
    assert side < middle / 2


def test_a_red_wall_lends_its_colour_to_the_wall_beside_it():
    light = np.full((*SIZE, 3), 0.5, np.float32)
    light[:, :40] = (0.9, 0.1, 0.1)
    _, lent = surroundings(light, corner(), CAMERA)
    red, _, blue = lent[20:40, 42:46].mean(axis=(0, 1))
    assert red > 2 * blue


def test_light_without_shading_stays_as_it_is():
    light = np.random.default_rng(0).random((*SIZE, 3), np.float32)
    np.testing.assert_allclose(shaded(light, corner(), CAMERA, 0.0), light, rtol=1e-6)


@pytest.mark.parametrize('shift', [(0, 0), (1 / 3, -1 / 3), (-2, 1)])
def test_a_shifted_camera_sees_everything_beside_where_it_was(shift):
    points = np.array([(0, 0, 0), (0.3, 0.2, -0.4), (-0.5, 1, 0.3)])
    camera = looking_at((0, -3, 0), (0.2, 0, 0.1), 0.2, np.radians(40))
    moved = shifted(camera, shift, 480).project(points, 480, 640)
    expected = camera.project(points, 480, 640) + shift
    np.testing.assert_allclose(moved, expected, atol=0.05 * np.abs(shift).max() + 1e-6)


def test_exposure_shows_dark_and_bright_rooms_alike_and_keeps_the_order():
    ramp = np.broadcast_to(np.linspace(0.01, 1, 80)[None, :, None], (*SIZE, 3))
    shown = [
        exposed((ramp * factor).astype(np.float32), np.random.default_rng(1)).astype(int)
        for factor in (0.2, 1.0, 5.0)
    ]
    assert np.abs(shown[0] - shown[2]).max() <= 3
    assert (np.diff(shown[1][30, :, 0]) >= 0).all()
    assert 120 < np.percentile(shown[1], 90) < 250


@pytest.fixture
def scene():
    """A scene of one block on the floor under a light."""
    block = box((-0.5, -0.5, 0), (0.5, 0.5, 1.0), GREY)
    info = ModelInfo('block', 'box', 'train', ('floor',), (1.0, 1.0, 1.0), 0.0, '', '', '')
    placement = Placement(info, np.zeros(3), 0.0, 1.0)
    builder = SceneBuilder(*SIZE)
    builder.add('shell', [box((-9, -9, -0.1), (9, 15, 0.0), GREY)], None)
    builder.add('block', [block], placement)
    model = builder.spec.compile()
    model.light_pos[:] = (1.0, -1.0, 2.5)
    room = Room(10, 10, 3)
    furnished = Furnished(
        room, (placement,), {'block': Model((block,), 1.0, np.ones((1, 1), bool))}
    )
    instances = np.array([BACKGROUND, 0], np.int32)
    return Scene(model, furnished, instances, model.mat_rgba.copy())


def test_a_photograph_leaves_lights_and_camera_as_they_were(scene):
    context = graphics(*SIZE)
    renderer = SceneRenderer(scene, *SIZE, is_smooth=False)
    renderer.look(CAMERA)
    lights, before = scene.model.light_pos.copy(), renderer.rgb()
    taken = photograph(renderer, CAMERA, np.random.default_rng(0))
    np.testing.assert_array_equal(scene.model.light_pos, lights)
    renderer.look(CAMERA)
    np.testing.assert_array_equal(renderer.rgb(), before)
    assert taken.shape == (*SIZE, 3)
    assert taken.dtype == np.uint8
    renderer.close()
    context.free()


@pytest.mark.parametrize('height', [0.3, 1.0, 2.5])
def test_depth_of_a_floor_is_exact_at_the_middle_of_every_pixel(scene, height):
    context = graphics(*SIZE)
    camera = looking_at((3, -3, height), (3, 6, 0), 0.1, np.radians(40))
    renderer = SceneRenderer(scene, *SIZE, is_smooth=False)
    renderer.look(camera)
    depth = renderer.depth()
    renderer.close()
    context.free()
    rays = camera_points(np.ones_like(depth), camera) @ camera.rotation.T
    expected = -height / np.minimum(rays[..., 2], -1e-9)
    seen = np.zeros(SIZE, bool)
    seen[-15:] = True
    np.testing.assert_allclose(depth[seen], expected[seen], rtol=1e-4)


def test_soft_light_changes_pictures_and_not_their_masks(tmp_path):
    context = graphics(48, 64)
    (tmp_path / 'models').mkdir()
    part = box((-0.5, -0.3, 0), (0.5, 0.3, 0.7), GREY)
    size = tuple(np.ptp(part.vertices, axis=0).tolist())
    info = ModelInfo('my_table', 'table', 'train', ('floor', 'wall'), size, 0.0, '', '', '')
    save_model(tmp_path / 'models' / 'my_table.npz', with_top([part]))
    save_index(tmp_path, {'table': 1.0}, [info])
    found = {}
    for light in ('hard', 'soft'):
        folder = tmp_path / light
        for name in ('images', 'shards'):
            (folder / name).mkdir(parents=True)
        options = Options(
            assets=tmp_path, frames=2, seed=5, views=2, size=(48, 64), light=light, output=folder
        )
        render_shard(Shard(options, 0), ModelPack(tmp_path, 'train'))
        pictures = [path.read_bytes() for path in sorted((folder / 'images').iterdir())]
        found[light] = (json.loads(Shard(options, 0).path.read_text()), pictures)
    context.free()
    hard, soft = (
        [one for image in shown['images'] for one in image['annotations']]
        for shown in (found['hard'][0], found['soft'][0])
    )
    assert [one['instance'] for one in hard] == [one['instance'] for one in soft]
    for one, other in zip(hard, soft, strict=True):  # half a pixel may be seen otherwise
        np.testing.assert_allclose(one['bbox'], other['bbox'], atol=1)
    assert all(one != other for one, other in zip(found['hard'][1], found['soft'][1], strict=True))
