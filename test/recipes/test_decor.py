"""What rooms get beyond the models of a pack: distractors, new models and photographs."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')
pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')
pytest.importorskip('pycocotools.mask', reason='the indoor recipe needs pycocotools')

from recipes.indoor.assets.distractors import HUNG, LYING, TABLETOP
from recipes.indoor.assets.models import (
    ModelInfo,
    ModelPack,
    save_index,
    save_model,
    with_top,
)
from recipes.indoor.assets.photos import (
    ROBOSUITE,
    SIDE,
    SURFACE_FOLDER,
    SURFACES,
    VIEW_FOLDER,
    VIEWS,
    WALLPAPERS,
    Options,
    Photos,
    relief,
    run,
)
from recipes.indoor.assets.primitives import box, grid, sheet
from recipes.indoor.assets.variety import VARIETY, makers
from recipes.indoor.rooms.dressing import (
    PICTURE,
    dress_model,
    dress_shell,
    oblique_coordinates,
)
from recipes.indoor.rooms.furnish import Decor, Decorator
from recipes.indoor.rooms.room import make_curtained_window, make_room, room_shell

RED = (1.0, 0.0, 0.0, 1.0)
MADE = {one.__name__: one for one in (*HUNG, *LYING, *TABLETOP, make_curtained_window)}
MADE |= {one.__name__: one for kinds in VARIETY.values() for one in kinds}
SIZES = (0.02, 3.2)  # m, of the longest side


def fill(folder, splits):
    """Write a pack of tables, chairs, doors and boxes; the keys of ``splits`` are held out."""
    (folder / 'models').mkdir()
    shapes = {
        'table': (box((-0.5, -0.3, 0), (0.5, 0.3, 0.7), RED), ('floor', 'wall')),
        'chair': (box((-0.2, -0.2, 0), (0.2, 0.2, 0.9), RED), ('floor',)),
        'door': (box((-0.4, -0.03, 0), (0.4, 0.03, 2.0), RED), ('door',)),
        'box': (box((-0.1, -0.1, 0), (0.1, 0.1, 0.2), RED), ('table', 'floor')),
    }
    infos = []
    for label, (part, places) in shapes.items():
        size = tuple(np.ptp(part.vertices, axis=0).tolist())
        split = splits.get(label, 'train')
        infos.append(ModelInfo(f'my_{label}', label, split, places, size, 0.0, '', '', ''))
        save_model(folder / 'models' / f'my_{label}.npz', with_top([part]))
    save_index(folder, dict.fromkeys(shapes, 1.0), infos)
    return ModelPack(folder, 'train')


@pytest.fixture
def pack(tmp_path):
    return fill(tmp_path, {})


def furnished(pack, decor, seed=3):
    return Decorator(pack, np.random.default_rng(seed), decor).furnish()


def archive(path, names, shape):
    """Write a package of plain blue pictures, as an archive that the recipe can read."""
    with zipfile.ZipFile(path, 'w') as content:
        for name in names:
            _, encoded = cv2.imencode(
                Path(name).suffix, np.full((*shape, 3), (255, 0, 0), np.uint8)
            )
            content.writestr(name, encoded.tobytes())
    return path


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    """Photographs of plain colours, written by the step itself."""
    folder = tmp_path_factory.mktemp('photos')
    surfaces = {name for names in SURFACES.values() for name in names.split()}
    archives = {
        ROBOSUITE: archive(
            folder / 'a', [f'{SURFACE_FOLDER}/{name}.png' for name in surfaces], (40, 50)
        ),
        WALLPAPERS: archive(
            folder / 'b', [f'{VIEW_FOLDER}/{name}' for name in VIEWS], (800, 1200)
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('recipes.indoor.assets.photos.fetch', lambda one, cache: archives[one])
        run(Options(output=folder / 'out'))
    return Photos(folder / 'out')


@pytest.mark.parametrize('name', sorted(MADE))
@pytest.mark.parametrize('seed', range(4))
def test_what_is_made_for_a_room_is_of_indoor_size_and_its_faces_have_their_vertices(name, seed):
    parts = MADE[name](np.random.default_rng(seed))
    points = np.concatenate([part.vertices for part in parts])
    assert np.isfinite(points).all()
    assert SIZES[0] < np.ptp(points, axis=0).max() < SIZES[1]
    for part in parts:
        assert 0 <= part.faces.min() <= part.faces.max() < len(part.vertices)
        assert (part.texture is None) == (part.texcoords is None)
        assert part.texcoords is None or len(part.texcoords) == len(part.vertices)


def test_a_grid_joins_neighbours_only():
    s, t = np.meshgrid(np.arange(3.0), np.arange(2.0))
    part = grid(np.stack([s, t, 0 * s], axis=-1), RED)
    corners = part.vertices[part.faces]
    assert len(corners) == 4
    assert np.abs(corners - np.roll(corners, 1, axis=1)).max() == 1


@pytest.mark.parametrize(
    ('label', 'place'), [(None, 'floor'), ('sofa', 'wall'), ('chair', 'floor')]
)
def test_classes_without_makers_have_none(label, place):
    assert makers(label, place) == ()


def test_what_hangs_on_walls_is_not_made_of_what_stands():
    assert makers('screen', 'table')
    assert makers('screen', 'hung') == ()


def test_distractors_come_after_the_room_that_is_there_without_them_and_have_no_label(pack):
    plain, full = furnished(pack, Decor()), furnished(pack, Decor(distractors=3.0))
    count = len(plain.placements)
    assert len(full.placements) > count
    for one, other in zip(plain.placements, full.placements[:count], strict=True):
        assert one.info == other.info
        np.testing.assert_array_equal(one.position, other.position)
    assert {one.info.label for one in full.placements[count:]} == {None}


@pytest.mark.parametrize(('fresh', 'is_new'), [(0.0, False), (1.0, True)])
def test_all_or_no_models_give_way_to_new_ones_of_their_class(pack, fresh, is_new):
    placements = furnished(pack, Decor(fresh=fresh)).placements
    replaceable = [one.info for one in placements if one.info.label in ('table', 'door', 'box')]
    assert {one.key.startswith('made_') for one in replaceable} == {is_new}
    assert {one.info.key for one in placements if one.info.label == 'chair'} <= {'my_chair'}


def test_new_models_stand_in_only_for_models_of_the_split(tmp_path):
    pack = fill(tmp_path, {'door': 'test', 'box': 'test'})
    placements = furnished(pack, Decor(fresh=1.0)).placements
    assert {one.info.label for one in placements} <= {'table', 'chair', None}


def test_things_stand_on_tables_made_anew(pack):
    made = furnished(pack, Decor(fresh=1.0))
    tables = [one.info.key for one in made.placements if one.info.label == 'table']
    assert tables
    assert all(made.models[key].top_height > 0.3 for key in tables)


def test_the_step_writes_surfaces_as_squares_and_pictures_as_they_are(photos):
    assert {photo.shape for photo in photos.surfaces['wall']} == {(SIDE, SIDE, 3)}
    assert {photo.shape for photo in photos.pictures} == {(600, 900, 3)}
    assert min(photo[..., 2].min() for photo in photos.pictures) > 240  # blue stays blue
    assert len(photos.pictures) > len(photos.landscapes) > 0


def test_the_step_credits_every_photograph(photos):
    rows = (photos.folder / 'CREDITS.md').read_text().splitlines()
    credited = {row.split(' | ')[0].strip('| ') for row in rows if ' | ' in row}
    written = {path.stem for path in photos.folder.rglob('*.jpg')}
    assert credited - written == {'photograph'}
    assert credited > written


def test_a_relief_keeps_the_mean_and_scales_the_contrast():
    photo = np.array([[[50, 100, 100]], [[150, 100, 100]]], np.uint8)
    np.testing.assert_allclose(relief(photo, 0.5)[..., 0], [[0.75], [1.25]])
    np.testing.assert_allclose(relief(photo, 0.5)[..., 1], 1)


def test_a_dressed_shell_keeps_its_shape_and_ceiling_and_shows_photographs(photos):
    random = np.random.default_rng(0)
    shell = room_shell(make_room(random), random)
    dressed = [dress_shell(shell, photos, np.random.default_rng(seed)) for seed in range(9)]
    for parts in dressed:
        assert parts[1] is shell[1]
        for part, original in zip(parts, shell, strict=True):
            np.testing.assert_array_equal(part.vertices, original.vertices)
    assert {parts[0].texture.shape[0] == SIDE for parts in dressed} == {True, False}
    assert {parts[2].texture.shape[0] == SIDE for parts in dressed} == {True, False}


def test_a_picture_shows_a_photograph_and_another_texture_stays(photos):
    part = box((0, 0, 0), (1, 1, 1), RED, np.full((8, 8, 3), 7, np.uint8))
    for title, expected in ((PICTURE, {7, 255}), ('Chair', {7})):
        seen = {
            int(dress_model((part,), title, photos, np.random.default_rng(seed))[0].texture.max())
            for seed in range(9)
        }
        assert {255 if value > 80 else value for value in seen} == expected


def test_plain_parts_get_a_grain_in_grey_and_glass_does_not(photos):
    parts = (box((0, 0, 0), (1, 1, 1), RED), box((0, 0, 0), (1, 1, 1), (1.0, 1.0, 1.0, 0.5)))
    dressed = [dress_model(parts, '', photos, np.random.default_rng(seed)) for seed in range(9)]
    assert {plain.texture is None for plain, _ in dressed} == {True, False}
    assert all(glass.texture is None for _, glass in dressed)
    grain = next(plain for plain, _ in dressed if plain.texture is not None)
    assert grain.rgba == RED
    assert np.ptp(grain.texture, axis=2).max() == 0


@pytest.mark.parametrize('edges', [((1, 0, 0), (0, 1, 0)), ((1, 0, 0), (0, 0, 1)),
                                   ((0, 1, 0), (0, 0, 1))])  # fmt: skip
def test_oblique_coordinates_spread_over_floors_and_over_walls(edges):
    part = sheet((0, 0, 0), *edges, np.zeros((8, 8, 3), np.uint8), 1.0)
    coordinates = oblique_coordinates(part.vertices)
    assert np.linalg.matrix_rank(coordinates - coordinates[0]) == 2
