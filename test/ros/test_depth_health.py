"""What is said about depth, in words."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')

from yolact_ros.health.depth import DepthReport, DepthTally, check_depth
from yolact_ros.health.transport import Level

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'


def make_report(tally=None, **fields):
    values = {
        'topic': '/depth',
        'type': IMAGE,
        'calibration_topic': '/camera_info',
        'is_needed': True,
        'publishers': (IMAGE,),
        'period': 0.0333,
        'is_rectified': False,
        'rectified': 'auto',
        'tally': tally or DepthTally(images=30),
        **fields,
    }
    return DepthReport(**values)


@pytest.mark.parametrize(
    ('report', 'level', 'text'),
    [
        (
            make_report(is_needed=False, publishers=()),
            Level.OK,
            'nobody listens to an output that needs depth',
        ),
        (make_report(), Level.OK, '30 images have depth'),
        (
            make_report(publishers=()),
            Level.WARN,
            'no image has depth: /depth has no publisher',
        ),
        (
            make_report(publishers=(COMPRESSED,)),
            Level.WARN,
            f'no image has depth: the publisher of /depth sends {COMPRESSED}, the node expects '
            f'{IMAGE} (depth.transport)',
        ),
        (
            make_report(DepthTally(30, 2, 'depth must be there')),
            Level.WARN,
            '2 of 30 images have no depth: depth must be there',
        ),
        (
            make_report(DepthTally(30, 28, 'none', late=27, delay=0.012)),
            Level.WARN,
            '28 of 30 images have no depth: that of 27 came on /depth only after their instances '
            'were found, 12 ms late, and nothing waits for it',
        ),
        (
            make_report(DepthTally(30, transform_complaint='the transform must be known')),
            Level.WARN,
            'the transform must be known',
        ),
        (
            make_report(DepthTally(30, instances=40)),
            Level.WARN,
            'none of 40 instances has depth: too little of /depth is measured behind them',
        ),
        (make_report(DepthTally(30, instances=40, objects=1)), Level.OK, '30 images have depth'),
    ],
)
def test_one_sentence_says_how_depth_is(report, level, text):
    status = check_depth(report)
    assert (status.task, status.level, status.text) == ('depth', level, text)


def test_what_was_chosen_by_itself_is_told():
    values = check_depth(make_report(is_rectified=True)).values
    assert values['rectified'] == 'yes (auto)'
    assert values['period (s)'] == '0.033'
    assert check_depth(make_report(period=0.0)).values['period (s)'] == 'unknown'


def test_distances_show_a_wrong_unit():
    tally = DepthTally(30, instances=4, objects=3, depths=[2000.0, 1500.0, 2500.0])
    values = check_depth(make_report(tally)).values
    assert (values['instances'], values['objects'], values['distance (m)']) == (4, 3, '2000.000')
    assert 'distance (m)' not in check_depth(make_report()).values
