"""Bags of every kind, whole and damaged."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import (
    PERIOD,
    SIZE,
    START,
    compress,
    image_item,
    jpeg_item,
    make_detections,
    make_rgb,
    stamp_of,
    truth_item,
    write_bag,
    write_mcap,
)

from yolact_core import InputError
from yolact_core.cli import main
from yolact_ros.bag.evaluate.predictors import read_class_names, read_occurring_classes
from yolact_ros.bag.evaluate.stamp_index import WINDOW, StampIndex
from yolact_ros.bag.io.bag import Bag
from yolact_ros.bag.replay.frames import Span, decode, plan_spans, read_raw
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import MODEL_INFO

COUNT = 12


def items(count=COUNT):
    return [
        *(image_item(index) for index in range(count)),
        *(jpeg_item(index) for index in range(0, count, 2)),
        *(truth_item(index, make_detections([])) for index in range(count)),
    ]


def write_ros1(path):
    """Write a bag of ROS 1 with the same raw images."""
    from rosbags.rosbag1 import Writer

    from yolact_ros.messages.types import ros1_types

    types = ros1_types()
    with Writer(path) as writer:
        connection = writer.add_connection(
            '/camera/image', 'sensor_msgs/msg/Image', typestore=types
        )
        for index in range(COUNT):
            _, kind, time, message = image_item(index)
            header = types.types['std_msgs/msg/Header'](
                index, message.header.stamp, message.header.frame_id
            )
            fields = {name: getattr(message, name) for name in message.__dataclass_fields__}
            fields = {name: value for name, value in fields.items() if not name.startswith('__')}
            old = types.types[kind](**{**fields, 'header': header})
            writer.write(connection, time, types.serialize_ros1(old, kind))
    return path


def make_bag(kind, folder):
    """Write the same bag as one of its kinds."""
    if kind == 'ros1':
        return write_ros1(folder / 'bag.bag')
    if kind == 'file of mcap':
        return write_bag(folder / 'bag', items()) / 'bag.mcap'
    storage, _, mode = kind.partition(' ')
    chosen = (lambda writer: compress(mode, writer)) if mode else None
    return write_bag(folder / 'bag', items(), storage, chosen)


KINDS = [
    'mcap',
    'mcap STORAGE',
    'mcap MESSAGE',
    'mcap FILE',
    'sqlite3',
    'sqlite3 MESSAGE',
    'sqlite3 FILE',
    'file of mcap',
    'ros1',
]


@pytest.mark.parametrize('kind', KINDS)
def test_every_image_of_every_kind_of_bag_is_read(kind, tmp_path):
    damages = []
    with Bag(make_bag(kind, tmp_path), damages.append) as bag:
        images = bag.select_images(['/camera/image'])
        raws = list(read_raw(bag, [image.name for image in images]))
        frames = [decode(bag, raw) for raw in raws]
    assert damages == []
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert [frame.stamp for frame in frames] == [stamp_of(index) for index in range(COUNT)]
    assert [frame.time for frame in frames] == [stamp_of(index) + 5 for index in range(COUNT)]
    assert {frame.header.frame_id for frame in frames} == {'lens'}
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.rgb, make_rgb(index))


def other_writers():
    from mcap.writer import CompressionType, IndexType

    return {
        'no profile': {'profile': ''},
        'no chunks': {'use_chunking': False},
        'no index of messages': {'index_types': IndexType.CHUNK},
        'no index at all': {'index_types': IndexType.NONE},
        'no statistics': {'use_statistics': False},
        'channels in chunks only': {'repeat_channels': False, 'repeat_schemas': False},
        'no summary': {
            'index_types': IndexType.NONE,
            'repeat_channels': False,
            'repeat_schemas': False,
            'use_statistics': False,
            'use_summary_offsets': False,
        },
        'lz4': {'compression': CompressionType.LZ4},
        'no compression': {'compression': CompressionType.NONE},
    }


@pytest.mark.parametrize('kind', other_writers())
def test_what_other_recorders_write_is_read_in_order(kind, tmp_path):
    shuffled = [image_item(index) for index in (*range(4, COUNT), *range(4))]
    options = {'chunk_size': 2**16, **other_writers()[kind]}
    with Bag(write_mcap(tmp_path / 'bag.mcap', shuffled, **options), pytest.fail) as bag:
        assert [(str(topic), topic.count) for topic in bag.topics] == [
            ('/camera/image (sensor_msgs/msg/Image)', COUNT),
            ('/other (Thing (json))', COUNT),
        ]
        assert (bag.start, bag.end) == (stamp_of(0) + 5, stamp_of(COUNT - 1) + 6)
        frames = [decode(bag, raw) for raw in read_raw(bag, ['/camera/image'])]
        some = list(bag.entries(['/camera/image'], stamp_of(2), stamp_of(5)))
    assert [frame.stamp for frame in frames] == [stamp_of(index) for index in range(COUNT)]
    np.testing.assert_array_equal(frames[3].rgb, make_rgb(3))
    assert [entry.time for entry in some] == [stamp_of(index) + 5 for index in (2, 3, 4)]


def test_a_compressed_file_is_read_by_itself_and_without_metadata(tmp_path):
    folder = make_bag('mcap FILE', tmp_path)
    (folder / 'metadata.yaml').unlink()
    with Bag(folder / 'bag.mcap.zstd', pytest.fail) as bag:
        assert len(list(bag.entries(['/camera/image']))) == COUNT
    with Bag(folder, lambda _: None) as bag:
        assert len(list(bag.entries(['/camera/image']))) == COUNT


def test_raw_and_compressed_images_of_several_cameras_come_in_order(tmp_path):
    with Bag(write_bag(tmp_path / 'bag', items()), pytest.fail) as bag:
        topics = [topic.name for topic in bag.select_images([])]
        raws = list(read_raw(bag, topics, every=2))
    assert topics == ['/camera/image', '/far/image/compressed']
    assert [raw.entry.time for raw in raws] == sorted(raw.entry.time for raw in raws)
    counts = {topic: [raw.index for raw in raws if raw.entry.topic == topic] for topic in topics}
    assert counts == {topics[0]: [0, 2, 4, 6, 8, 10], topics[1]: [0, 2, 4]}


@pytest.mark.parametrize('parts', [1, 2, 3, 5, 40])
@pytest.mark.parametrize('every', [1, 3])
def test_spans_together_have_every_image_once_with_its_number(parts, every, tmp_path):
    whole = Span(START + PERIOD, START + 10 * PERIOD)
    with Bag(write_bag(tmp_path / 'bag', items()), pytest.fail) as bag:
        topics = [topic.name for topic in bag.select_images([])]
        wanted = list(read_raw(bag, topics, every, whole))
        spans = plan_spans(bag, topics, whole, parts)
        found = [raw for span in spans for raw in read_raw(bag, topics, every, span)]
    assert found == wanted
    assert len(spans) == min(parts, len(spans))
    assert parts == 1 or len(spans) > 1


def test_info_says_what_is_in_a_bag(tmp_path, capsys):
    backwards = image_item(3)
    backwards[3].header.stamp.sec -= 5
    broken = ('/camera/image', backwards[1], stamp_of(30), b'\0\1\0\0abc')
    bag = write_bag(
        tmp_path / 'bag', [*items(), (*backwards[:2], stamp_of(29), backwards[3]), broken]
    )
    assert main(['bag', 'info', str(bag), '--json']) == 2
    found = json.loads(capsys.readouterr().out)
    (loss,) = found['losses']
    assert (loss['messages'], loss['start']) == (1, stamp_of(30))
    topics = {topic.pop('topic'): topic for topic in found['topics']}
    image = topics['/camera/image']
    assert image['messages'] == COUNT + 2
    assert image['encodings'] == {'rgb8': COUNT + 1}
    assert image['sizes'] == {'128x96': COUNT + 1}
    assert (image['stamps_backwards'], image['unreadable'], image['use']) == (1, 1, 'images')
    assert image['longest_gap'] == pytest.approx((29 - 11) * PERIOD / 1e9, rel=1e-6)
    far = topics['/far/image/compressed']
    assert far['rate'] == pytest.approx(7.5, rel=1e-6)
    assert far['encodings'] == {'rgb8; png compressed bgr8': COUNT // 2}
    assert far['sizes'] == {'128x96': 1}
    assert topics['/camera/truth']['use'] == 'truth or results'
    assert main(['bag', 'info', str(bag)]) == 2
    assert '1 go back' in capsys.readouterr().out


def test_images_that_nothing_decodes_are_named(tmp_path, capsys):
    odd = image_item(0)
    odd[3].encoding = 'telepathy8'
    assert main(['bag', 'info', str(write_bag(tmp_path / 'bag', [odd])), '--json']) == 2
    (topic,) = json.loads(capsys.readouterr().out)['topics']
    assert topic['use'].startswith('none: image encoding must be one of rgb8')


def test_companions_are_found_by_stamp_whenever_they_were_recorded(tmp_path):
    late = [truth_item(i, make_detections([]), late=(i % 3) * PERIOD) for i in range(COUNT)]
    bag = write_bag(tmp_path / 'bag', [image_item(0), *late])
    messages = StampIndex(Bag(bag, pytest.fail), '/camera/truth')
    for index in [*range(COUNT), 3]:
        message = messages.find(stamp_of(index), stamp_of(index) + 5)
        assert message.sequence == index + 1
    assert messages.find(stamp_of(2) + 1, stamp_of(2)) is None
    messages.close()


def test_companions_of_long_ago_are_forgotten(tmp_path):
    step = WINDOW // PERIOD // 4
    bag = write_bag(
        tmp_path / 'bag', [truth_item(k * step, make_detections([])) for k in range(60)]
    )
    messages = StampIndex(Bag(bag, pytest.fail), '/camera/truth')
    for k in range(60):
        assert messages.find(stamp_of(k * step), stamp_of(k * step)).sequence == k * step + 1
        assert len(messages._held) < 12
    messages.close()


def test_bags_need_no_ros(tmp_path):
    bag = write_bag(tmp_path / 'bag', items())
    blocked = '\n'.join(
        f'sys.modules[{name!r}] = None'
        for name in ('rclpy', 'sensor_msgs', 'std_msgs', 'builtin_interfaces', 'yolact')
    )
    call = f'from yolact_core.cli import main; sys.exit(main(["bag", "info", {str(bag)!r}]))'
    done = subprocess.run(
        [sys.executable, '-c', f'import sys\n{blocked}\n{call}'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, '')
    assert '/camera/image' in done.stdout


def test_without_rosbags_the_way_to_get_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rosbags.rosbag2', None)
    with pytest.raises(InputError, match='rosbags must be installed to read bags: pip install'):
        Bag(tmp_path, pytest.fail)


def test_a_folder_that_is_named_like_a_file_of_ros_1_is_read_as_what_it_is(tmp_path):
    path = write_bag(tmp_path / 'drive.bag', [image_item(0)])
    with Bag(path, pytest.fail) as bag:
        (entry,) = bag.entries(['/camera/image'])
        assert bag.deserialize(entry).encoding == 'rgb8'


def test_messages_without_stamps_belong_to_images_recorded_at_the_same_time(tmp_path):
    items = []
    for index in range(3):
        topic, kind, time, message = truth_item(index, make_detections([]))
        message.header.stamp.sec = message.header.stamp.nanosec = 0
        items.append((topic, kind, time, message))
    path = write_bag(tmp_path / 'bag', items)
    with closing(StampIndex(Bag(path, pytest.fail), '/camera/truth')) as messages:
        found = [messages.find(0, time) for _, _, time, _ in items]
        assert [message.sequence for message in found] == [1, 2, 3]
        assert messages.find(0, items[-1][2] + 1) is None


def test_classes_are_those_of_the_model_beside_the_results(tmp_path):
    def info(topic, *names):
        message = bag_messages.make(
            MODEL_INFO,
            header=bag_messages.to_header(stamp_of(0), ''),
            model_id='model@0123',
            config='model',
            backend='torch',
            device='cpu',
            precision='float32',
            input_size=320,
            class_names=list(names),
            class_colors=np.zeros(3 * len(names), np.uint8),
        )
        return topic, MODEL_INFO, stamp_of(0), message

    items = [
        info('/old/model_info', 'ship'),
        info('/new/model_info', 'cup', 'chair'),
        truth_item(0, make_detections([]), '/new/instances'),
        truth_item(0, make_detections([np.ones(SIZE, bool)], [1]), '/truth'),
    ]
    with Bag(write_bag(tmp_path / 'bag', items), pytest.fail) as bag:
        assert read_class_names(bag, '/new/instances') == ('cup', 'chair')
        assert (
            read_class_names(bag, '/truth') == read_occurring_classes(bag, '/truth') == ('chair',)
        )
