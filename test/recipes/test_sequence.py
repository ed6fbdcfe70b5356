"""Sequences that are hard to follow: what moves in them, and its truth while it is hidden."""

import numpy as np
import pytest

pytest.importorskip('fast_simplification', reason='the indoor recipe needs fast-simplification')
pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')
pytest.importorskip('pycocotools.mask', reason='the indoor recipe needs pycocotools')

from recipes.indoor.assets.models import (
    ModelInfo,
    ModelPack,
    save_index,
    save_model,
    with_top,
)
from recipes.indoor.assets.primitives import box
from recipes.indoor.dataset.annotations import to_detections
from recipes.indoor.dataset.path import CameraPath, render_path
from recipes.indoor.dataset.sequence import (
    RINGS,
    choose,
    choose_goers,
    make_crossing,
    make_turning,
)
from recipes.indoor.rooms.camera import looking_at
from recipes.indoor.rooms.furnish import Furnished
from recipes.indoor.rooms.layout import Placement, turn
from recipes.indoor.rooms.motion import PAN_SPEED, Ring, pan
from recipes.indoor.rooms.rendering import open_graphics
from recipes.indoor.rooms.room import Room
from recipes.indoor.rooms.scene import compile_scene
from yolact_core.errors import InputError

RED = (1.0, 0.0, 0.0, 1.0)
SIZES = {  # metres
    'shelf': (0.9, 0.3, 1.6),
    'table': (1.2, 0.7, 0.7),
    'person': (0.5, 0.4, 1.7),
    'chair': (0.5, 0.5, 0.9),
    'bin': (0.3, 0.3, 0.4),
    'box': (0.4, 0.4, 0.3),
}
TIMES = np.arange(750) / 30


def block(label, size):
    """Return what the index says about a block, and its geometry."""
    x, y, z = size
    info = ModelInfo(label, label, 'test', ('floor', 'wall'), size, 0.0, '', '', '')
    return info, with_top([box((-x / 2, -y / 2, 0), (x / 2, y / 2, z), RED)])


@pytest.fixture
def pack(tmp_path):
    (tmp_path / 'models').mkdir()
    infos = []
    for label, size in SIZES.items():
        info, model = block(label, size)
        infos.append(info)
        save_model(tmp_path / 'models' / f'{label}.npz', model)
    save_index(tmp_path, dict.fromkeys(SIZES, 1.0), infos)
    return ModelPack(tmp_path, 'test')


@pytest.mark.parametrize('ring', RINGS)
def test_what_goes_round_faces_forward_and_is_back_after_a_period(ring):
    info, _ = block('person', SIZES['person'])
    goer = Placement(info, np.zeros(3), 0.0, 1.0)
    start, soon, later = (ring.place(goer, 0.3, t) for t in (1.0, 1.001, 1 + abs(ring.period)))
    step = (soon.position - start.position)[:2]
    front = turn(np.array([[0.0, -1.0]]), start.yaw)[0]
    assert front @ step == pytest.approx(np.linalg.norm(step), rel=1e-4)
    np.testing.assert_allclose(later.position, start.position, atol=1e-9)


def test_a_ring_with_stops_stands_still_that_often():
    info, _ = block('person', SIZES['person'])
    goer, ring = Placement(info, np.zeros(3), 0.0, 1.0), Ring((0, 0), (2, 2), 12.0, stops=3)
    places = np.array([ring.place(goer, 0.0, t).position for t in np.linspace(0, 12, 1201)])
    speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.01
    is_still = speeds < 0.01
    assert np.count_nonzero(np.diff(is_still.astype(int)) == 1) == 3
    assert speeds.max() == pytest.approx(2 * 2 * np.pi * 2 / 12, rel=0.01)


def test_who_crosses_never_runs_into_another(pack):
    sequence = make_crossing(pack, np.random.default_rng(0), TIMES, (48, 64))
    for moved in sequence.moves[::5]:
        places = np.array([placement.position for placement in moved.values()])
        gaps = np.linalg.norm(places[:, None] - places, axis=2)
        assert gaps[~np.eye(len(places), dtype=bool)].min() > 0.5


def test_equal_things_cross_each_other_in_the_picture(pack):
    goers = choose_goers(pack, np.random.default_rng(0))
    assert sum(info.label == 'chair' for info, _, _ in goers) == 3
    sequence = make_crossing(pack, np.random.default_rng(0), TIMES, (48, 64))
    chairs = [one for one, goer in sequence.moves[0].items() if goer.info.label == 'chair']
    columns = np.array(
        [
            camera.project(np.array([moved[one].position for one in chairs]), 48, 64)[:, 0]
            for camera, moved in zip(sequence.cameras, sequence.moves, strict=True)
        ]
    )
    is_left = columns[:, 0] < columns[:, 1]
    assert np.count_nonzero(np.diff(is_left)) >= 5


def test_a_camera_pans_fast_to_both_sides_and_stops():
    for seed in range(5):
        yaws = np.degrees(pan(TIMES, np.random.default_rng(seed)))
        speeds = np.abs(np.diff(yaws)) * 30
        assert PAN_SPEED[0] < speeds.max() < PAN_SPEED[1]
        assert yaws.min() < -25 < 25 < yaws.max()
        assert np.mean(speeds < 1e-6) > 0.1


def test_a_turning_camera_stays_where_it_is(pack):
    sequence = make_turning(pack, np.random.default_rng(3), TIMES[:90], (48, 64))
    first, last = sequence.cameras[0], sequence.cameras[-1]
    np.testing.assert_array_equal(first.position, last.position)
    assert not np.allclose(first.rotation, last.rotation)
    assert sequence.moves == []


def test_a_pack_without_what_is_asked_for_is_refused(pack):
    with pytest.raises(InputError, match=r'must have a person within \(0\.1, 1, 1\) m, got none'):
        choose(pack, np.random.default_rng(0), 'floor', 'person', (0.1, 1, 1))


@pytest.mark.slow
def test_what_is_hidden_is_not_in_the_truth_and_keeps_its_id(tmp_path):
    try:
        context = open_graphics(96, 128)
    except (ImportError, AttributeError, RuntimeError) as error:
        pytest.skip(f'no off-screen graphics here: {error}')
    wall, goer = block('shelf', (1.0, 0.2, 2.0)), block('bin', (0.4, 0.4, 0.4))
    placements = (
        Placement(wall[0], np.array([0.0, 2.0, 0.0]), 0.0, 1.0),
        Placement(goer[0], np.array([-1.5, 3.0, 0.0]), 0.0, 1.0),
    )
    furnished = Furnished(Room(8, 8, 3), placements, {'shelf': wall[1], 'bin': goer[1]})
    scene = compile_scene(furnished, np.random.default_rng(0), 96, 128)
    camera = looking_at((0, -1, 1), (0, 3, 0.7), 0.0, np.pi / 3)
    steps = (-1.2, 0.0, 1.2)
    moves = [{1: Placement(goer[0], np.array([x, 3.0, 0.0]), 0.0, 1.0)} for x in steps]
    render_path(scene, [camera] * 3, (96, 128), ['shelf', 'bin'], tmp_path, moves)
    context.free()
    path = CameraPath(tmp_path)
    seen = [[one['instance'] for one in frame.annotations] for frame in path.frames]
    assert seen == [[0, 1], [0], [0, 1]]
    left, right = (
        to_detections(path.frames[index].annotations, (96, 128), path.class_names).boxes[1]
        for index in (0, 2)
    )
    np.testing.assert_allclose(left[[0, 2]], 128 - right[[2, 0]], atol=1.5)
    expected = camera.project(np.array([[-1.2, 3.0, 0.2]]), 96, 128)[0]
    np.testing.assert_allclose((left[:2] + left[2:]) / 2, expected, atol=2.5)
