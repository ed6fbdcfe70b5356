"""Bags that are whole, but odd: names, times, gaps, stamps, and images that are no camera's."""

from __future__ import annotations

import json
from contextlib import closing

import cv2
import numpy as np
import pytest

pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')

from bags import (
    SIZE,
    START,
    image_item,
    jpeg_item,
    make_detections,
    read_messages,
    stamp_of,
    truth_item,
    write_bag,
    write_coco,
)

from yolact_core import InputError
from yolact_core.cli import main
from yolact_ros.bag.evaluate.predictors import StampIndex
from yolact_ros.bag.io.bag import Bag
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.stamps import split_time
from yolact_ros.messages.topic_names import make_legal


@pytest.mark.parametrize(
    ('name', 'legal'),
    [
        ('/camera/image_raw', '/camera/image_raw'),
        ('/camera-1/image_raw', '/camera_1/image_raw'),
        ('/1st/2nd', '/_1st/_2nd'),
        ('/a//b/', '/a/b'),
        ('~/image', '_/image'),
        ('/c\u00e4mera {x}', '/c_mera__x_'),
        ('image', 'image'),
        ('', 'unnamed'),
        ('/', '/unnamed'),
        ('/' + 'x' * 500, '/' + 'x' * 199),
    ],
)
def test_names_become_legal(name, legal):
    assert make_legal([name]) == {name: legal}


def test_names_that_become_legal_stay_different():
    names = ['/a-b', '/a b', '/a_b', '/a-b']
    assert make_legal(names) == {'/a-b': '/a_b_2', '/a b': '/a_b_3', '/a_b': '/a_b'}


@pytest.mark.parametrize('name', ['/a-b/image', '/1st', '/a//b/', '~/image', '/\u6905', 'x{y}'])
def test_legal_names_are_legal_for_ros(name):
    validation = pytest.importorskip('rclpy.validate_topic_name', exc_type=ImportError)
    assert validation.validate_topic_name(make_legal([name])[name])


@pytest.mark.parametrize(
    ('time', 'stamp'),
    [
        (0, (0, 0)),
        (-1, (-1, 999_999_999)),
        (2**31 * 10**9 - 1, (2**31 - 1, 999_999_999)),
        (2_208_988_800 * 10**9, (2**31 - 1, 999_999_999)),
        (2**64 - 1, (2**31 - 1, 999_999_999)),
        (-(2**63), (-(2**31), 0)),
    ],
)
def test_every_time_has_a_stamp(time, stamp):
    assert split_time(time) == stamp
    header = bag_messages.to_header(time, 'lens')
    assert (header.stamp.sec, header.stamp.nanosec) == stamp


def test_results_of_any_time_and_name_are_written(run_bag, tmp_path, capsys):
    time = 2_208_988_800 * 10**9
    items = []
    for topic in ('/camera-1/image_raw', '/camera-2/image_raw'):
        for index in range(2):
            item = image_item(index, topic=topic)
            items.append((*item[:2], time + index * 10**8, item[3]))
    bag = write_bag(tmp_path / 'bag', items)
    assert run_bag(bag, tmp_path / 'out.mcap') == 0
    said = capsys.readouterr().out
    assert 'results of /camera-1/image_raw are below /yolact/camera_1' in said
    assert said.count('stamps of ROS 2 end in January 2038') == 1
    found = read_messages(tmp_path / 'out.mcap')
    for camera in ('camera_1', 'camera_2'):
        times = [time for time, _ in found[f'/yolact/{camera}/instances']]
        assert times == [time, time + 10**8]
    assert found['/yolact/model_info'][0][1].header.stamp.sec == 2**31 - 1


def test_a_video_has_the_median_rate_and_no_gap(run_bag, tmp_path, capsys):
    first, *others = [list(image_item(index)) for index in range(8)]
    first[2] = 0
    bag = write_bag(tmp_path / 'bag', [first, *others])
    video = tmp_path / 'video.mp4'
    assert run_bag(bag, tmp_path / 'out.mcap', '--overlay', video) == 0
    assert 'without gaps of up to 1700000000.1 s' in capsys.readouterr().out
    capture = cv2.VideoCapture(str(video))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(15, abs=0.1)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 8


def test_where_no_image_can_be_decoded_the_status_says_so(run_bag, tmp_path, capsys):
    items = [image_item(index) for index in range(3)]
    for item in items:
        item[3].encoding = 'telepathy8'
    bag = write_bag(tmp_path / 'bag', items)
    video = tmp_path / 'video.mp4'
    assert run_bag(bag, tmp_path / 'out.mcap', '--overlay', video) == 2
    assert 'images cannot be used' in capsys.readouterr().err
    assert not video.exists()


def labelled(index, topic, encoding):
    item = image_item(index, topic=topic)
    header = item[3].header
    pixels = np.zeros(SIZE, np.uint16)
    return (*item[:3], bag_messages.to_image(pixels, encoding, header))


def test_cameras_alone_are_taken_and_each_once(tmp_path, capsys):
    items = []
    for index in range(3):
        items += [
            image_item(index, topic='/camera/image'),
            jpeg_item(index, topic='/camera/image/compressed'),
            image_item(index, topic='/depth_camera/color/image_raw'),
            labelled(index, '/device_0/Depth_0/image', 'mono16'),
            labelled(index, '/thermal/image', 'mono16'),
            labelled(index, '/lidar/range_image', 'mono16'),
            labelled(index, '/orange/image', 'mono16'),
            jpeg_item(index, topic='/camera/image/zstd'),
            labelled(index, '/camera/aligned/image', '16UC1'),
            image_item(index, topic='/yolact/front/overlay'),
            jpeg_item(index, topic='/yolact/front/overlay/compressed'),
            labelled(index, '/yolact/label_image', 'mono16'),
            jpeg_item(index, topic='/rear/image/compressed'),
        ]
    items.append(image_item(0, topic='/rear/image'))
    bag = write_bag(tmp_path / 'bag', items)
    with Bag(bag, pytest.fail) as opened:
        assert [topic.name for topic in opened.select_images([])] == [
            '/camera/image',
            '/depth_camera/color/image_raw',
            '/orange/image',
            '/rear/image/compressed',
            '/thermal/image',
        ]
        assert len(opened.select_images(['/yolact/label_image', '/rear/image'])) == 2
    assert main(['bag', 'info', str(bag), '--json']) == 0
    found = json.loads(capsys.readouterr().out)
    uses = {topic['topic']: topic['use'] for topic in found['topics']}
    assert uses['/camera/image/compressed'] == 'same as /camera/image'
    assert uses['/camera/image/zstd'] == 'same as /camera/image'
    assert uses['/device_0/Depth_0/image'] == 'depth'
    assert uses['/yolact/front/overlay'] == 'drawn by yolact'


def equal_items(times, stamp):
    """Return images and truths of one stamp, recorded at the same times."""
    items = []
    for number, time in enumerate(times):
        image, truth = image_item(number), truth_item(number, make_detections([]))
        for one in (image, truth):
            one[3].header.stamp.sec, one[3].header.stamp.nanosec = split_time(stamp)
            items.append((*one[:2], time, one[3]))
    return items


@pytest.mark.parametrize('times', [[START + n * 10**8 for n in range(4)], [START] * 4])
def test_of_equal_stamps_the_place_counts(times, tmp_path):
    path = write_bag(tmp_path / 'bag', equal_items(times, stamp_of(0)))
    with closing(StampIndex(Bag(path, pytest.fail), '/camera/truth')) as messages:
        for number, time in enumerate(times):
            place = number if times[0] == times[1] else 0
            assert messages.find(stamp_of(0), time, place).sequence == number + 1


def test_equal_stamps_that_were_recorded_later_are_not_guessed(tmp_path):
    truths = [truth_item(0, make_detections([]), late=late) for late in (50, 90)]
    path = write_bag(tmp_path / 'bag', [*truths, truth_item(1, make_detections([]))])
    with closing(StampIndex(Bag(path, pytest.fail), '/camera/truth')) as messages:
        with pytest.raises(InputError, match='must differ, got 2 messages with one'):
            messages.find(stamp_of(0), stamp_of(0) + 5)
        assert messages.find(stamp_of(1), stamp_of(1) + 5).sequence == 2


def test_results_are_as_good_with_equal_stamps_as_with_others(tmp_path, run_bag, capsys):
    figures = []
    equal = equal_items([START + n * 10**8 for n in range(4)], stamp_of(0))
    for name, images in (('equal', equal[::2]), ('other', [image_item(n) for n in range(4)])):
        results = tmp_path / f'{name}.mcap'
        assert run_bag(write_bag(tmp_path / name, images), results) == 0
        found = read_messages(results)['/yolact/instances']
        truth = [('/truth', 'yolact/msg/InstanceArray', *one) for one in found]
        both = write_bag(tmp_path / f'{name} with truth', [*images, *truth])
        capsys.readouterr()
        words = ['bag', 'evaluate', both, '--truth', '/truth', '--results', results, '--json']
        assert main([str(word) for word in words]) == 0
        found = json.loads(capsys.readouterr().out)
        figures.append((found['objects'], found['missing'], found['figures']['mask_ap']))
    assert figures[0] == figures[1]
    assert figures[0][0] > 0


def test_a_file_of_truth_must_tell_images_apart(tmp_path):
    from yolact_ros.bag.evaluate.truth import FileTruth

    path = write_coco(tmp_path / 'truth', [make_detections([])] * 2)
    path.write_text(path.read_text().replace(str(stamp_of(1)), str(stamp_of(0))))
    with pytest.raises(InputError, match='each image must have a stamp of its own'):
        FileTruth(path)
