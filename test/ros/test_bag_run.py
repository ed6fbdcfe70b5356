"""A bag in, a bag of results out."""

from __future__ import annotations

import json
import os
import re

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import image_item, jpeg_item, make_rgb, read_messages, stamp_of, write_bag

from yolact_core import Detector
from yolact_ros.bag.io.bag import Bag
from yolact_ros.messages.detections import to_detections

COUNT = 10
MASKS = 'label_image,label_image8,class_mask,confidence'
EVERYTHING = f'instances,{MASKS},overlay,overlay/compressed,prototypes'


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """Return a bag of two cameras."""
    items = [image_item(index) for index in range(COUNT)]
    items += [jpeg_item(index) for index in range(0, COUNT, 2)]
    return write_bag(tmp_path_factory.mktemp('bags') / 'bag', items)


def test_results_lie_at_the_times_and_under_the_headers_of_the_images(
    bag, run_bag, tmp_path, tiny_model
):
    assert run_bag(bag, tmp_path / 'out.mcap') == 0
    found = read_messages(tmp_path / 'out.mcap')
    assert list(found) == [
        '/yolact/camera/instances',
        '/yolact/far/instances',
        '/yolact/model_info',
    ]
    camera = found['/yolact/camera/instances']
    assert [time for time, _ in camera] == [stamp_of(index) + 5 for index in range(COUNT)]
    stamps = [one.header.stamp.sec * 10**9 + one.header.stamp.nanosec for _, one in camera]
    assert stamps == [stamp_of(index) for index in range(COUNT)]
    assert {one.header.frame_id for _, one in camera} == {'lens'}
    assert [one.sequence for _, one in camera] == list(range(1, COUNT + 1))
    assert len(found['/yolact/far/instances']) == COUNT // 2
    detector = Detector.load(tiny_model, device='cpu', score_threshold=0.05)
    for index, (_, message) in enumerate(camera):
        wanted = detector(make_rgb(index))
        assert len(wanted) > 0
        restored = to_detections(message, detector.class_names)
        np.testing.assert_array_equal(restored.boxes, wanted.boxes)
        np.testing.assert_array_equal(restored.masks.dense(), wanted.masks.dense())
        assert restored.class_names == wanted.class_names
        assert message.model_id == detector.model_id
    ((_, info),) = found['/yolact/model_info']
    assert tuple(info.class_names) == detector.class_names


def test_all_outputs_can_be_had_and_are_those_of_the_node(bag, run_bag, tmp_path):
    words = ('--topic', '/camera/image', '--outputs', f'{EVERYTHING},timing')
    assert run_bag(bag, tmp_path / 'out.mcap', *words) == 0
    found = read_messages(tmp_path / 'out.mcap')
    assert set(found) == {
        '/yolact/model_info',
        *(f'/yolact/{name}' for name in (*EVERYTHING.split(','), 'timing')),
    }
    assert {len(entries) for topic, entries in found.items() if 'model' not in topic} == {COUNT}
    (_, instances), (_, labels) = found['/yolact/instances'][3], found['/yolact/label_image'][3]
    detections = to_detections(instances, ('person', 'chair', 'cup'))
    np.testing.assert_array_equal(
        labels.data.view(np.uint16).reshape(labels.height, labels.width),
        detections.masks.label_image(),
    )
    classes = found['/yolact/class_mask'][3][1].data
    seen = detections.masks.label_image().ravel()
    np.testing.assert_array_equal(
        classes, np.concatenate([[255], detections.class_ids])[seen].astype(np.uint8)
    )
    jpeg = found['/yolact/overlay/compressed'][3][1]
    overlay = found['/yolact/overlay'][3][1].data.reshape(96, 128, 3)
    decoded = cv2.imdecode(jpeg.data, cv2.IMREAD_COLOR)
    assert np.abs(decoded.astype(int) - overlay).mean() < 20
    timing = found['/yolact/timing'][3][1]
    assert timing.total > timing.inference > 0
    assert timing.age_at_receive == pytest.approx(5e-9, rel=1e-3)


def test_the_output_plays_in_ros(bag, run_bag, tmp_path):
    pytest.importorskip('rclpy', reason='needs ROS 2', exc_type=ImportError)
    pytest.importorskip('yolact.msg', reason='needs the built interfaces', exc_type=ImportError)
    from rclpy.serialization import deserialize_message
    from yolact.msg import InstanceArray

    from yolact_ros import masks

    assert run_bag(bag, tmp_path / 'out.mcap', '--topic', '/camera/image') == 0
    wanted = read_messages(tmp_path / 'out.mcap')['/yolact/instances']
    with Bag(tmp_path / 'out.mcap', pytest.fail) as opened:
        found = [
            deserialize_message(entry.data, InstanceArray)
            for entry in opened.entries(['/yolact/instances'])
        ]
    assert len(found) == COUNT
    for message, (_, other) in zip(found, wanted, strict=True):
        assert message.header.frame_id == other.header.frame_id
        assert message.header.stamp.nanosec == other.header.stamp.nanosec
        np.testing.assert_array_equal(masks.unite(message), masks.unite(other))


def test_other_readers_of_mcap_understand_the_output(bag, run_bag, tmp_path):
    reader = pytest.importorskip('mcap.reader', reason='pip install mcap-ros2-support')
    ros2 = pytest.importorskip('mcap_ros2.decoder', reason='pip install mcap-ros2-support')
    assert run_bag(bag, tmp_path / 'out.mcap') == 0
    wanted = read_messages(tmp_path / 'out.mcap')
    with (tmp_path / 'out.mcap').open('rb') as file:
        opened = reader.make_reader(file, decoder_factories=[ros2.DecoderFactory()])
        found = [
            (channel.topic, message.log_time, decoded)
            for _, channel, message, decoded in opened.iter_decoded_messages()
        ]
        assert opened.get_summary().statistics.message_count == len(found)
    assert len(found) == sum(map(len, wanted.values()))
    camera = [one for one in found if one[0] == '/yolact/camera/instances']
    for (_, log_time, decoded), (recorded, other) in zip(
        camera, wanted['/yolact/camera/instances'], strict=True
    ):
        assert log_time == recorded
        assert [one.class_name for one in decoded.instances] == [
            one.class_name for one in other.instances
        ]
        assert list(decoded.instances[0].mask.rle) == other.instances[0].mask.rle.tolist()


def test_twice_the_same_is_the_same_to_the_last_byte(bag, run_bag, tmp_path):
    for name in ('one', 'two'):
        assert run_bag(bag, tmp_path / name / 'out.mcap', '--outputs', EVERYTHING) == 0
    one, two = (tmp_path / name / 'out.mcap' for name in ('one', 'two'))
    assert one.read_bytes() == two.read_bytes()


def test_a_folder_with_metadata_can_be_written_too(bag, run_bag, tmp_path):
    assert run_bag(bag, tmp_path / 'out') == 0
    assert (tmp_path / 'out' / 'metadata.yaml').is_file()
    assert len(read_messages(tmp_path / 'out')['/yolact/camera/instances']) == COUNT
    assert run_bag(bag, tmp_path / 'out') == 2


def test_images_can_be_chosen_by_number_and_time(bag, run_bag, tmp_path):
    words = ('--every', 3, '--start', 0.1, '--end', 0.6, '--topic', '/camera/image')
    assert run_bag(bag, tmp_path / 'out.mcap', *words) == 0
    times = [time for time, _ in read_messages(tmp_path / 'out.mcap')['/yolact/instances']]
    assert times == [stamp_of(index) + 5 for index in (2, 5, 8)]


def test_an_image_that_cannot_be_decoded_is_skipped_and_counted(run_bag, tmp_path, capsys):
    items = [image_item(index) for index in range(5)]
    items[2] = (*items[2][:3], b'\0\1\0\0abc')
    items[3][3].encoding = 'telepathy8'
    bag = write_bag(tmp_path / 'bag', items)
    assert run_bag(bag, tmp_path / 'out.mcap', '--json') == 2
    found = json.loads(capsys.readouterr().out)
    assert (found['images'], found['skipped']) == (3, 2)
    (loss,) = found['losses']
    assert (loss['messages'], loss['start']) == (2, stamp_of(2) + 5)
    assert loss['end'] == stamp_of(3) + 5
    assert 'must be a whole sensor_msgs/msg/Image' in found['reasons'][0]
    assert "got 'telepathy8'" in found['reasons'][1]
    assert len(read_messages(tmp_path / 'out.mcap')['/yolact/instances']) == 3


def test_images_may_change_their_size(run_bag, tmp_path):
    sizes = [(48, 64), (96, 128), (40, 50)]
    items = [image_item(index, make_rgb(index, size)) for index, size in enumerate(sizes)]
    video = tmp_path / 'video.mp4'
    bag = write_bag(tmp_path / 'bag', items)
    assert run_bag(bag, tmp_path / 'out.mcap', '--overlay', video) == 0
    found = read_messages(tmp_path / 'out.mcap')['/yolact/instances']
    assert [(one.image_height, one.image_width) for _, one in found] == sizes


def test_of_a_bag_that_was_cut_off_what_is_whole_is_done(run_bag, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', [image_item(index) for index in range(60)])
    file = bag / 'bag.mcap'
    os.truncate(file, file.stat().st_size * 3 // 4)
    assert run_bag(bag, tmp_path / 'out.mcap') == 2
    said = capsys.readouterr()
    assert said.err.count('must be whole, but') == said.err.count('\n')
    assert len(read_messages(tmp_path / 'out.mcap')['/yolact/instances']) == 29


def test_an_empty_bag_is_refused_and_leaves_nothing(run_bag, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', [image_item(0)])
    assert run_bag(bag, tmp_path / 'out.mcap', '--start', 5) == 2
    assert 'must hold an image in what was asked for' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['bag']


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (('--topic', '/nope'), "topic must be one of .*got '/nope'"),
        (('--outputs', 'masks'), "output must be one of instances, .*got 'masks'"),
        (('--start', 3, '--end', 2), '--end must be after --start, got 2 and 3'),
        (('--every', 0), 'must be a whole number of at least 1'),
    ],
)
def test_wrong_options_are_refused(bag, run_bag, tmp_path, capsys, words, sentence):
    assert run_bag(bag, tmp_path / 'out.mcap', *words) == 2
    said = capsys.readouterr().err
    assert said.count('\n') == 1
    assert re.search(sentence, said)


def test_results_do_not_go_into_the_bag_itself(bag, run_bag, capsys):
    assert run_bag(bag, bag / 'out.mcap') == 2
    assert 'output must lie outside the bag' in capsys.readouterr().err


def test_an_overlay_video_has_every_image_of_each_camera(bag, run_bag, tmp_path):
    video = tmp_path / 'video.mp4'
    assert run_bag(bag, tmp_path / 'out.mcap', '--overlay', video) == 0
    names = ['video_camera_image.mp4', 'video_far_image_compressed.mp4']
    for name, count, rate in zip(names, (COUNT, COUNT // 2), (15, 7.5), strict=True):
        capture = cv2.VideoCapture(str(tmp_path / name))
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == count
        assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, rel=0.01)
        capture.release()


def test_a_video_that_could_not_be_written_is_refused_before_the_work(
    bag, run_bag, tmp_path, capsys
):
    assert run_bag(bag, tmp_path / 'out.mcap', '--overlay', str(tmp_path / 'video.txt')) == 2
    assert '--overlay must be a file that ends in .mp4' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
