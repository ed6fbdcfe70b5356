"""Objects in bags of results, from depth that was recorded beside the images."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import (
    PERIOD,
    SIZE,
    image_item,
    make_header,
    make_rgb,
    read_messages,
    stamp_of,
    write_bag,
)

from yolact_core import Detector
from yolact_core.errors import InputError
from yolact_core.lifting import Calibration, DepthImage, lift
from yolact_core.threads import single_thread
from yolact_ros.bag.image_selection import DepthSelection
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.depth_topics import DepthTopics, choose_depth
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import CAMERA_INFO, IMAGE, ros1_types
from yolact_ros.points import to_rows, to_xyz

ROOM = Path(__file__).parents[1] / 'data' / 'room_path'
COUNT = 6
MS = 1_000_000
IMAGES, INFO = '/camera/color/image_raw', '/camera/color/camera_info'
REGISTERED = '/camera/aligned_depth_to_color/image_raw'
OTHER_DEPTH, OTHER_INFO = '/camera/depth/image_rect_raw', '/camera/depth/camera_info'
MATRIX = np.array([[100.0, 0, 63.5], [0, 100, 47.5], [0, 0, 1]])


def make_depth(index):
    """Return a wall in mm, whose upper half is farther with each image, with a hole."""
    values = np.full(SIZE, 1500, np.uint16)
    values[:48] = 2000 + index
    values[40:60, 50:80] = 0
    return values


def depth_item(index, topic=REGISTERED, frame_id='lens', late=0, values=None):
    values = make_depth(index) if values is None else values
    header = make_header(stamp_of(index) + late, frame_id)
    message = bag_messages.to_image(values, '16UC1', header)
    return topic, IMAGE, stamp_of(index) + late + 3, message


def info_item(index=0, topic=INFO, frame_id='lens', size=SIZE):
    message = bag_messages.make(
        CAMERA_INFO,
        header=make_header(stamp_of(index), frame_id),
        height=size[0],
        width=size[1],
        distortion_model='plumb_bob',
        d=np.zeros(5),
        k=MATRIX.ravel(),
        p=np.concatenate([MATRIX, np.zeros((3, 1))], axis=1).ravel(),
    )
    return topic, CAMERA_INFO, stamp_of(index), message


def image_items(count=COUNT):
    return [image_item(index, topic=IMAGES) for index in range(count)]


def other_items():
    """Return depth that is not registered, and its calibration."""
    items = [depth_item(index, OTHER_DEPTH, 'other_lens') for index in range(COUNT)]
    return [*items, info_item(topic=OTHER_INFO, frame_id='other_lens')]


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Return a bag with registered and other depth."""
    items = [*image_items(), info_item(), *(depth_item(index) for index in range(COUNT))]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', [*items, *other_items()])


@pytest.fixture
def run(run_bag, tmp_path):
    """Run over a bag, and return the status and the messages by topic."""

    def run_once(bag, *words, outputs='objects,objects/points,markers,instances', name='out'):
        path = tmp_path / name / 'out.mcap'
        status = run_bag(bag, path, '--outputs', outputs, *words)
        return status, read_messages(path) if path.exists() else {}

    return run_once


def objects_of(messages):
    return [message.objects for _, message in messages['/yolact/objects']]


def test_objects_are_those_of_lifting(bag, run, tiny_model):
    status, messages = run(bag)
    assert status == 0
    detector = Detector.load(tiny_model, device='cpu', score_threshold=0.05)
    rays = Calibration(SIZE, MATRIX, np.zeros(0), '').rays(is_rectified=False)
    assert len(messages['/yolact/objects']) == COUNT
    for index, (time, message) in enumerate(messages['/yolact/objects']):
        detections = detector(make_rgb(index))
        wanted = lift(detections, DepthImage(make_depth(index), 0.001), rays)
        assert (time, message.header.frame_id) == (stamp_of(index) + 5, 'lens')
        assert len(wanted) > 5
        assert [one.label for one in message.objects] == (wanted.indices + 1).tolist()
        np.testing.assert_allclose(
            [one.depth for one in message.objects], wanted.depths, rtol=1e-6
        )
        sizes = [(one.size.x, one.size.y, one.size.z) for one in message.objects]
        np.testing.assert_allclose(sizes, wanted.sizes)
        _, cloud = messages['/yolact/objects/points'][index]
        np.testing.assert_array_equal(to_xyz(cloud)[0], np.concatenate(wanted.points))
        assert set(to_rows(cloud)['label'][0].tolist()) == set((wanted.indices + 1).tolist())
        assert len(messages['/yolact/markers'][index][1].markers) == 2 * len(wanted)


def test_objects_have_the_tracks_of_their_instances(bag, run):
    _, messages = run(bag)
    named = 0
    for (_, objects), (_, instances) in zip(
        messages['/yolact/objects'], messages['/yolact/instances'], strict=True
    ):
        ids = {one.label: one.id for one in instances.instances}
        assert [one.id for one in objects.objects] == [ids[one.label] for one in objects.objects]
        named += sum(one.id != '' for one in objects.objects)
    assert named > COUNT


def test_how_the_work_is_split_cannot_be_seen_in_the_objects(tmp_path, run, run_bag):
    shifts = [0, 4, 9, 2, 12, 1, 6, 3]  # ms: the period as measured depends on what is looked at
    items = [depth_item(index, late=shift * MS) for index, shift in enumerate(shifts)]
    bag = write_bag(tmp_path / 'bag', [*image_items(8), info_item(), *items])
    with single_thread():  # as workers have it
        assert run(bag, name='whole')[0] == 0
        assert run(bag, '--workers', 2, '--part-images', 2, name='shared')[0] == 0
    paths = [tmp_path / name / 'out.mcap' for name in ('whole', 'shared')]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_depth_of_another_rate_is_paired_within_half_its_period(tmp_path, run):
    near = [depth_item(index, late=PERIOD // 3) for index in range(COUNT)]
    bag = write_bag(tmp_path / 'bag', [*image_items(), info_item(), *near])
    status, messages = run(bag)
    assert status == 0
    found = [max(one.depth for one in objects) for objects in objects_of(messages)]
    assert found == pytest.approx([2 + index / 1000 for index in range(COUNT)])


def test_images_without_depth_have_no_objects_and_are_counted(tmp_path, run, capsys):
    items = [*image_items(), info_item(), *(depth_item(index) for index in (0, 1, 2, 3))]
    status, messages = run(write_bag(tmp_path / 'bag', items))
    assert status == 0
    assert [len(objects) > 0 for objects in objects_of(messages)] == [True] * 4 + [False] * 2
    assert re.search(
        '2 images have no depth: depth must have a stamp within 33.3 ms of that of the image, '
        'the nearest is 66.7 ms away',
        capsys.readouterr().out,
    )


def test_a_jump_of_time_takes_depth_from_no_image(tmp_path, run):
    """The camera begins again in the past after three images."""
    items = []
    for index in range(COUNT):
        back = stamp_of(index) if index < 3 else stamp_of(index - 100)
        for topic, kind, time, message in (image_items()[index], depth_item(index)):
            message.header = make_header(back, 'lens')
            items.append((topic, kind, time, message))
    status, messages = run(write_bag(tmp_path / 'bag', [*items, info_item()]))
    assert status == 0
    assert all(len(objects) > 0 for objects in objects_of(messages))


def test_images_without_depth_are_counted_over_all_parts(tmp_path, run, capsys):
    items = [*image_items(), info_item(), *(depth_item(index) for index in (0, 1, 2))]
    bag = write_bag(tmp_path / 'bag', items)
    assert run(bag, '--workers', 2, '--part-images', 2)[0] == 0
    assert '3 images have no depth: ' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('beside', 'text'),
    [
        (
            [
                info_item(),
                *(depth_item(index, values=np.ones((48, 64), np.uint16)) for index in (0, 1)),
            ],
            rf'no image of it has depth: depth on {REGISTERED} must be as large as the image, '
            r'128 x 96, got 64 x 48',
        ),
        (
            [info_item(size=(48, 64)), *(depth_item(index) for index in range(COUNT))],
            rf'no image of it has depth: calibration on {INFO} does not fit: .* got 64 x 48',
        ),
    ],
)
def test_depth_that_never_fits_is_told(tmp_path, run, capsys, beside, text):
    status, messages = run(write_bag(tmp_path / 'bag', [*image_items(), *beside]))
    assert status == 2
    assert re.search(text, capsys.readouterr().err)
    assert not any(len(objects) for objects in objects_of(messages))


@pytest.mark.parametrize(
    ('beside', 'words', 'text'),
    [
        (other_items(), (), f"in frame 'lens', .*, got {OTHER_DEPTH} in frame 'other_lens'"),
        ([], (), "must hold a topic for --depth in frame 'lens', .*, got none"),
        ([depth_item(0)], (), "must hold a topic for --camera-info in frame 'lens', .*, got none"),
        (
            [depth_item(0), depth_item(0, '/camera/more_depth/image_raw'), info_item()],
            (),
            f'--depth must name one of several topics beside {IMAGES}: {REGISTERED}, /camera/more',
        ),
        ([], ('--depth', '/no'), "topic must be one of .*; got '/no'"),
        ([depth_item(0)], ('--camera-info', REGISTERED), 'must be of type .*/CameraInfo'),
        (
            [image_item(0, topic='/second/image')],
            ('--depth', REGISTERED),
            f'--depth and --camera-info must go with one topic of images, got {IMAGES}, /second',
        ),
    ],
)  # fmt: skip
def test_topics_that_cannot_be_told_are_refused(tmp_path, run, capsys, beside, words, text):
    status, _ = run(write_bag(tmp_path / 'bag', [*image_items(), *beside]), *words)
    assert status == 2
    assert re.search(text, capsys.readouterr().err)


def test_a_topic_that_is_named_must_still_fit(bag, run, capsys):
    status, messages = run(bag, '--depth', OTHER_DEPTH)
    assert status == 2
    text = (
        f"depth on {OTHER_DEPTH} must be registered to the image, in frame 'lens', got frame 'oth"
    )
    assert text in capsys.readouterr().err
    assert not any(len(objects) for objects in objects_of(messages))


def test_outputs_without_depth_need_none(tmp_path, run, capsys):
    status, messages = run(write_bag(tmp_path / 'bag', image_items()), outputs='instances')
    assert status == 0
    assert len(messages['/yolact/instances']) == COUNT
    assert 'have no depth' not in capsys.readouterr().out


def test_costmaps_and_calibrations_are_written_as_the_node_publishes_them(bag, run):
    names = ('camera_info', 'nav/points', 'nav/class_mask', 'nav/confidence', 'nav/camera_info')
    status, messages = run(bag, outputs=','.join(names))
    assert status == 0
    assert [len(messages[f'/yolact/{name}']) for name in names] == [COUNT] * 5
    for (_, cloud), (_, mask) in zip(
        messages['/yolact/nav/points'], messages['/yolact/nav/class_mask'], strict=True
    ):
        assert (cloud.height, cloud.width) == (mask.height, mask.width)
        assert cloud.header == mask.header
        assert np.nanmin(to_xyz(cloud)[..., 2]) == pytest.approx(1.5)
    _, info = messages['/yolact/camera_info'][3]
    assert info.k.tolist() == MATRIX.ravel().tolist()
    assert info.header == make_header(stamp_of(3), 'lens')


def test_calibrations_alone_need_no_depth(tmp_path, run):
    bag = write_bag(tmp_path / 'bag', [*image_items(), info_item()])
    status, messages = run(bag, outputs='camera_info')
    assert status == 0
    assert len(messages['/yolact/camera_info']) == COUNT


def write_ros1(path, items):
    """Write the same as a bag of ROS 1, where a calibration has D, K, R and P."""
    from rosbags.rosbag1 import Writer

    types, connections = ros1_types(), {}
    make_ros1_header = types.types['std_msgs/msg/Header']
    with Writer(path) as writer:
        for number, (topic, kind, time, message) in enumerate(sorted(items, key=lambda it: it[2])):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=types)
            names = [name for name in types.types[kind].__dataclass_fields__ if name[0] != '_']
            fields = {name: getattr(message, name.lower()) for name in names}
            header = message.header
            fields['header'] = make_ros1_header(number, header.stamp, header.frame_id)
            data = types.serialize_ros1(types.types[kind](**fields), kind)
            writer.write(connections[topic], time, data)
    return path


def test_bags_of_ros_1_have_objects_too(bag, run, tmp_path):
    items = [*image_items(), info_item(), *(depth_item(index) for index in range(COUNT))]
    status, messages = run(write_ros1(tmp_path / 'old.bag', items), name='old')
    assert status == 0
    depths = [[one.depth for one in objects] for objects in objects_of(messages)]
    assert depths == [[one.depth for one in objects] for objects in objects_of(run(bag)[1])]


def test_the_topics_of_the_rendered_bag_are_found():
    with Bag(ROOM, pytest.fail) as bag:
        image = '/camera/image/compressed'
        assert choose_depth(bag, [image], DepthSelection()) == {
            image: DepthTopics('/camera/depth/compressedDepth', '/camera/camera_info')
        }
        with pytest.raises(InputError, match='/tf must be of type sensor_msgs/msg/Image or'):
            choose_depth(bag, [image], DepthSelection(depth='/tf'))
