"""The pure parts of the indoor renderer, and one tiny rendered scene."""

import json

import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')
pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')
coco_mask = pytest.importorskip('pycocotools.mask')

from recipes.indoor.assets.build import split_keys  # noqa: E402
from recipes.indoor.assets.catalogue import Material, parse_materials, parse_obj  # noqa: E402
from recipes.indoor.assets.models import (  # noqa: E402
    Model,
    ModelInfo,
    ModelPack,
    load_model,
    save_index,
    save_model,
    with_top,
)
from recipes.indoor.assets.primitives import box, lathe  # noqa: E402
from recipes.indoor.assets.things import GENERATORS  # noqa: E402
from recipes.indoor.dataset.annotations import annotate, merge_shards, visible_share  # noqa: E402
from recipes.indoor.dataset.render import Options, Shard, render_shard  # noqa: E402
from recipes.indoor.rooms.camera import looking_at  # noqa: E402
from recipes.indoor.rooms.layout import Layout, Placement, is_supported  # noqa: E402
from recipes.indoor.rooms.rendering import open_graphics  # noqa: E402
from recipes.indoor.rooms.room import Room  # noqa: E402

RED = (1.0, 0.0, 0.0, 1.0)
CUBE_OBJ = """
mtllib cube.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 1
usemtl paint
f 1/1 2/2 3/2 4/1
f -4 -3 -2
"""


def info(label='table', size=(1.0, 0.5, 0.8), places=('floor',), split='train'):
    return ModelInfo(f'my_{label}', label, split, places, size, 0.0, '', '', '')


def test_a_polygon_becomes_a_fan_and_negative_indices_count_from_the_end():
    (group,) = parse_obj(CUBE_OBJ, lambda name: 'newmtl paint\nKd 1 0.5 0\nd 0.25')
    assert group.material == Material((1.0, 0.5, 0.0, 0.25))
    triangles = group.vertices[group.faces]
    assert triangles.shape == (3, 3, 3)
    np.testing.assert_array_equal(triangles[2], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


def test_a_material_library_without_materials_is_empty():
    assert parse_materials('# nothing\n') == {}


@pytest.mark.parametrize('count', [0, 1, 2, 5, 10, 37])
def test_every_key_gets_one_split_and_two_or_more_keys_give_a_test_key(count):
    keys = [f'model_{number}' for number in range(count)]
    splits = split_keys(keys)
    assert set(splits) == set(keys)
    assert list(splits.values()).count('test') >= int(count > 1)
    assert split_keys(reversed(keys)) == splits


def test_a_saved_model_reads_back_within_a_quantum(tmp_path):
    texture = np.full((8, 8, 3), 100, np.uint8)
    model = with_top([box((-1, -1, 0), (1, 1, 0.5), RED, texture), box((0, 0, 0), (1, 1, 1), RED)])
    save_model(tmp_path / 'model.npz', model)
    loaded = load_model(tmp_path / 'model.npz')
    for part, original in zip(loaded.parts, model.parts, strict=True):
        np.testing.assert_allclose(part.vertices, original.vertices, atol=2 / 65535)
        np.testing.assert_array_equal(part.faces, original.faces)
    assert loaded.parts[0].texture.shape == (8, 8, 3)
    assert loaded.parts[1].texture is None


def test_the_flat_top_is_the_largest_level_area():
    model = with_top([box((-1, -1, 0), (1, 1, 0.5), RED), box((0.5, -1, 0), (1, 1, 1), RED)])
    assert model.top_height == pytest.approx(0.5, abs=0.01)
    assert model.top.mean() == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize('label', sorted(GENERATORS))
def test_generated_models_stand_on_the_floor_and_are_of_indoor_size(label):
    parts = GENERATORS[label](np.random.default_rng(0))
    points = np.concatenate([part.vertices for part in parts])
    assert points[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert 0.05 < np.ptp(points, axis=0).max() < 3
    assert all(part.faces.max() < len(part.vertices) for part in parts)


def test_placements_on_the_floor_stay_in_the_room_and_apart():
    layout = Layout(Room(3.0, 3.0, 2.5), np.random.default_rng(0))
    for _ in range(20):
        layout.put_on_floor(info())
    assert 2 <= len(layout.placements) < 20
    bounds = [placement.bounds for placement in layout.placements]
    for index, (low, high) in enumerate(bounds):
        assert (np.abs([low[:2], high[:2]]) <= 1.5 + 1e-6).all()
        for other_low, other_high in bounds[:index]:
            assert (low >= other_high - 1e-3).any() or (high <= other_low + 1e-3).any()


def test_what_leans_on_a_wall_has_its_back_to_it():
    layout = Layout(Room(4.0, 3.0, 2.5), np.random.default_rng(0))
    placement = layout.put_at_wall(info())
    back = placement.position[:2] + 0.27 * placement.scale * np.array(
        [-np.sin(placement.yaw), np.cos(placement.yaw)]
    )
    assert (np.abs(back) / (2.0, 1.5)).max() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(('x', 'expected'), [(0.0, True), (0.2, True), (0.48, False), (2, False)])
def test_a_cup_is_supported_only_where_the_table_is_under_all_of_it(x, expected):
    table = Placement(info(), np.zeros(3), 0.0, 1.0)
    cup = Placement(info('cup', (0.1, 0.1, 0.1)), np.array([x, 0, 0.8]), 0.3, 1.0)
    model = Model((), 0.8, np.ones((8, 8), bool))
    assert is_supported(cup, table, model) is expected


def test_a_camera_sees_its_target_in_the_middle_and_up_is_up():
    camera = looking_at((1, 2, 1.5), (4, -1, 0.5), 0.0, np.radians(60))
    (middle,) = camera.project(np.array([[4, -1, 0.5]]), 480, 640)
    np.testing.assert_allclose(middle, (320, 240))
    (above,) = camera.project(np.array([[4, -1, 0.9]]), 480, 640)
    assert above[1] < 240
    assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_half_hidden_squares_show_half():
    mask = np.zeros((100, 100), bool)
    mask[10:30, 10:20] = True
    outline = np.array([(10, 10), (30, 10), (30, 30), (10, 30)], float)
    assert visible_share(mask, outline) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ('side', 'share', 'expected'), [(3, 1.0, None), (5, 1.0, 1), (20, 0.01, 1), (20, 0.5, 0)]
)
def test_small_and_hidden_instances_are_crowd_and_negligible_ones_nothing(side, share, expected):
    mask = np.zeros((50, 60), bool)
    mask[5 : 5 + side, 7 : 7 + side] = True
    annotation = annotate(mask, 3, share)
    assert (annotation and annotation['iscrowd']) == expected
    if annotation:
        assert annotation['bbox'] == [7, 5, side, side]
        assert annotation['area'] == side**2
        np.testing.assert_array_equal(coco_mask.decode(annotation['segmentation']), mask)


def test_merged_shards_number_images_and_annotations_from_one(tmp_path):
    for number in range(2):
        image = {'file_name': f'{number}.jpg', 'annotations': [{'category_id': 1}] * number}
        (tmp_path / f'{number}.json').write_text(json.dumps({'images': [image]}))
    output = tmp_path / 'merged' / 'instances.json'
    output.parent.mkdir()
    assert merge_shards(tmp_path.glob('*.json'), ['chair'], output) == (2, 1)
    content = json.loads(output.read_text())
    assert [image['id'] for image in content['images']] == [1, 2]
    assert content['annotations'] == [{'id': 1, 'image_id': 2, 'category_id': 1}]
    assert content['categories'] == [{'id': 1, 'name': 'chair'}]


@pytest.fixture
def pack(tmp_path):
    (tmp_path / 'models').mkdir()
    shapes = {
        'table': (box((-0.5, -0.3, 0), (0.5, 0.3, 0.7), RED), ('floor', 'wall')),
        'chair': (box((-0.2, -0.2, 0), (0.2, 0.2, 0.9), RED), ('floor',)),
        'cup': (lathe([(0.0, 0.0), (0.04, 0.0), (0.04, 0.1)], RED), ('table',)),
    }
    infos = []
    for label, (part, places) in shapes.items():
        size = tuple(np.ptp(part.vertices, axis=0).tolist())
        infos.append(info(label, size, places))
        save_model(tmp_path / 'models' / f'my_{label}.npz', with_top([part]))
    save_index(tmp_path, dict.fromkeys(shapes, 1.0), infos)
    return ModelPack(tmp_path, 'train')


def test_a_pack_draws_only_models_of_its_split_and_place(pack):
    random = np.random.default_rng(0)
    assert {pack.draw('table', random).label for _ in range(9)} == {'cup'}
    assert pack.draw('door', random) is None
    assert ModelPack(pack.folder, 'test').draw('floor', random) is None


def test_a_shard_is_the_same_every_time(pack, tmp_path):
    try:
        context = open_graphics(48, 64)
    except (ImportError, AttributeError, RuntimeError) as error:
        pytest.skip(f'no off-screen graphics here: {error}')
    written = []
    for name in ('first', 'second'):
        folder = tmp_path / name
        for part in ('images', 'shards'):
            (folder / part).mkdir(parents=True)
        options = Options(
            assets=pack.folder, frames=3, seed=5, views=2, size=(48, 64), output=folder
        )
        shard = Shard(options, 0)
        assert render_shard(shard, pack) == 0
        written.append(shard.path.read_text())
        assert len(list((folder / 'images').glob('*.jpg'))) == 3
    context.free()
    assert written[0] == written[1]
    labels = {a['category_id'] for i in json.loads(written[0])['images'] for a in i['annotations']}
    assert labels <= {1, 2, 3}
    assert labels
