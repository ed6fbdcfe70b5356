"""Bags with truth: one rendered here, and the one that is kept for tests and demo."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('mujoco', reason='the indoor recipe needs MuJoCo')
pytest.importorskip('pycocotools.mask', reason='the indoor recipe needs pycocotools')
AnyReader = pytest.importorskip('rosbags.highlevel').AnyReader

from recipes.indoor.assets.models import Model, ModelInfo  # noqa: E402
from recipes.indoor.assets.primitives import box  # noqa: E402
from recipes.indoor.dataset.bag import (  # noqa: E402
    DEPTH,
    IMAGE,
    INFO,
    POSE,
    START,
    TRUTH,
    truth_message,
    write_bag,
)
from recipes.indoor.dataset.path import CameraPath, render_path  # noqa: E402
from recipes.indoor.rooms.camera import looking_at  # noqa: E402
from recipes.indoor.rooms.furnish import Furnished  # noqa: E402
from recipes.indoor.rooms.layout import Placement  # noqa: E402
from recipes.indoor.rooms.rendering import open_graphics  # noqa: E402
from recipes.indoor.rooms.room import Room  # noqa: E402
from recipes.indoor.rooms.scene import BACKGROUND, Scene, SceneBuilder  # noqa: E402
from yolact_core.masks.rle import run_lengths_to_mask  # noqa: E402
from yolact_ros.messages.types import ros2_types  # noqa: E402

KEPT = Path(__file__).parents[1] / 'data' / 'room_path'
PERIOD = 1e9 / 15  # ns


def read(folder, topics):
    """Return the messages of some topics, with their times, by topic."""
    found = {topic: [] for topic in topics}
    with AnyReader([folder], default_typestore=ros2_types()) as reader:
        chosen = [entry for entry in reader.connections if entry.topic in topics]
        for connection, time, data in reader.messages(chosen):
            message = reader.deserialize(data, connection.msgtype)
            found[connection.topic].append((time, message))
    return found


def stamp(message):
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def to_mask(message, instance):
    roi = instance.mask.roi
    full = np.zeros((message.image_height, message.image_width), bool)
    crop = run_lengths_to_mask(instance.mask.rle, roi.height, roi.width)
    full[roi.y_offset : roi.y_offset + roi.height, roi.x_offset : roi.x_offset + roi.width] = crop
    return full


def to_depth(message):
    """Return metres, as receivers of compressed depth read it: 12 bytes, then a PNG."""
    png = np.frombuffer(bytes(message.data)[12:], np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_UNCHANGED) / 1000


@pytest.fixture(scope='module')
def kept():
    return read(KEPT, (POSE, INFO, IMAGE, DEPTH, TRUTH))


@pytest.fixture(scope='module')
def truths(kept):
    return [message for _, message in kept[TRUTH]]


def test_the_kept_bag_has_every_topic_at_every_stamp_of_15_hz(kept):
    assert [len(messages) for messages in kept.values()] == [150] * 5
    expected = [START + round(index * PERIOD) for index in range(150)]
    for topic, messages in kept.items():
        assert [time for time, _ in messages] == expected
        if topic != POSE:
            assert [stamp(message) for _, message in messages] == expected


def test_the_kept_bag_is_small_and_credits_whom_it_shows(kept):
    assert sum(path.stat().st_size for path in KEPT.iterdir()) < 12e6
    assert 'Wooden table' in (KEPT / 'CREDITS.md').read_text()


def test_the_kept_images_and_depths_are_of_the_size_that_the_camera_info_says(kept):
    for index in (0, 75, 149):
        info = kept[INFO][index][1]
        size = (info.height, info.width)
        image = cv2.imdecode(np.asarray(kept[IMAGE][index][1].data), cv2.IMREAD_COLOR)
        assert image.shape == (*size, 3) == (480, 640, 3)
        assert to_depth(kept[DEPTH][index][1]).shape == size
        assert (kept[TRUTH][index][1].image_height, kept[TRUTH][index][1].image_width) == size


def test_an_object_keeps_its_id_and_class_and_grows_older(truths):
    classes, ages = {}, {}
    for truth in truths:
        ids = [instance.id for instance in truth.instances]
        assert len(set(ids)) == len(ids)
        for instance in truth.instances:
            kind = (instance.class_id, instance.class_name)
            assert classes.setdefault(instance.id, kind) == kind
            assert instance.track_age > ages.get(instance.id, 0)
            ages[instance.id] = instance.track_age
    assert len({name for _, name in classes.values()}) >= 10
    assert max(ages.values()) == 150


def test_kept_masks_are_apart_have_their_areas_and_fill_their_boxes(truths):
    for truth in truths[::30]:
        masks = [to_mask(truth, instance) for instance in truth.instances]
        assert np.sum(masks, axis=0).max() == 1
        for instance, mask in zip(truth.instances, masks, strict=True):
            rows, columns = np.nonzero(mask)
            assert instance.mask.area == len(rows)
            corners = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_array_equal(instance.box, corners)


def test_what_nobody_need_find_has_score_0_and_comes_last(truths):
    scores = [[instance.score for instance in truth.instances] for truth in truths]
    assert all(found == sorted(found, reverse=True) for found in scores)
    assert set(itertools.chain(*scores)) == {0.0, 1.0}


def test_pose_depth_and_camera_info_lead_from_an_object_to_itself_in_a_later_image(kept):
    first, last = 40, 60
    camera = kept[INFO][0][1].k.reshape(3, 3)
    poses = [to_matrix(kept[POSE][index][1].transforms[0].transform) for index in (first, last)]
    depth, later_depth = (to_depth(kept[DEPTH][index][1]) for index in (first, last))
    later = {
        instance.id: to_mask(kept[TRUTH][last][1], instance)
        for instance in kept[TRUTH][last][1].instances
    }
    truth = kept[TRUTH][first][1]
    large = [one for one in truth.instances if one.mask.area > 2000 and one.id in later]
    assert len(large) >= 3
    for instance in large:
        rows, columns = np.nonzero(to_mask(truth, instance))
        rays = np.linalg.inv(camera) @ [columns, rows, np.ones(len(rows))]
        points = np.vstack([rays * depth[rows, columns], np.ones(len(rows))])
        moved = camera @ (np.linalg.inv(poses[1]) @ poses[0] @ points)[:3]
        x, y = np.rint(moved[:2] / moved[2]).astype(int)
        inside = (x >= 0) & (x < 640) & (y >= 0) & (y < 480)
        x, y, z = x[inside], y[inside], moved[2][inside]
        is_hidden = later_depth[y, x] < z - 0.03
        assert is_hidden.mean() < 0.5
        assert later[instance.id][y, x][~is_hidden].mean() > 0.95


def to_matrix(transform):
    """Return the transform to the parent frame, shape (4, 4)."""
    turn, shift = transform.rotation, transform.translation
    axis = np.array([turn.x, turn.y, turn.z])
    cross = np.cross(np.eye(3), axis)  # cross @ v is axis x v
    matrix = np.eye(4)
    matrix[:3, :3] += 2 * turn.w * cross + 2 * cross @ cross
    matrix[:3, 3] = shift.x, shift.y, shift.z
    return matrix


@pytest.fixture
def scene():
    """A red cube, 1 m wide, that stands 1 m in front of the middle of a dark nowhere."""
    cube = box((-0.5, -0.5, 0), (0.5, 0.5, 1), (1.0, 0.0, 0.0, 1.0))
    info = ModelInfo('cube', 'box', 'test', ('floor',), (1, 1, 1), 0.0, 'Cube', 'me', 'CC0-1.0')
    placement = Placement(info, np.array([0, 1.5, 0]), 0.0, 1.0)
    builder = SceneBuilder(48, 64)
    builder.add('cube', [cube], placement)
    model = builder.spec.compile()
    instances = np.where(model.geom_bodyid > 0, model.geom_bodyid - 1, BACKGROUND)
    model_of = {'cube': Model((cube,), 1.0, np.ones((1, 1), bool))}
    furnished = Furnished(Room(9, 9, 3), (placement,), model_of)
    return Scene(model, furnished, instances.astype(np.int32), model.mat_rgba.copy())


def test_a_rendered_cube_is_in_the_bag_where_the_camera_saw_it(scene, tmp_path):
    try:
        context = open_graphics(48, 64)
    except (ImportError, AttributeError, RuntimeError) as error:
        pytest.skip(f'no off-screen graphics here: {error}')
    cameras = [looking_at((x, 0, 0.5), (x, 5, 0.5), 0.0, np.pi / 2) for x in (0, 5, 0.25)]
    render_path(scene, cameras, (48, 64), ['cup', 'box'], tmp_path / 'path')
    context.free()
    write_bag(CameraPath(tmp_path / 'path'), tmp_path / 'bag', rate=10)
    found = read(tmp_path / 'bag', (TRUTH, DEPTH, POSE))
    truths = [message for _, message in found[TRUTH]]
    assert [len(truth.instances) for truth in truths] == [1, 0, 1]
    (first,), (last,) = truths[0].instances, truths[2].instances
    assert (first.class_id, first.class_name, first.score) == (1, 'box', 1)
    np.testing.assert_allclose(first.box, (20, 12, 44, 36), atol=1)  # 24 px focal length, 1 m away
    np.testing.assert_allclose(last.box, (14, 12, 38, 36), atol=1)
    assert abs(first.mask.area - 24 * 24) <= 48
    assert (last.id, last.track_age) == (first.id, 3)
    assert to_depth(found[DEPTH][0][1])[24, 32] == pytest.approx(1.0, abs=0.002)
    shift = found[POSE][2][1].transforms[0].transform.translation
    assert (shift.x, shift.y, shift.z) == pytest.approx((0.25, 0, 0.5))
    assert (
        '| cube | Cube | box | test | me | CC0-1.0 |'
        in (tmp_path / 'path' / 'CREDITS.md').read_text()
    )


def test_an_image_without_objects_has_an_empty_truth():
    frame = type('Frame', (), {'annotations': [], 'size': (4, 6)})()
    message = truth_message(None, frame, ('cup',), 3, {})
    assert (len(message.instances), message.sequence, message.image_width) == (0, 4, 6)
