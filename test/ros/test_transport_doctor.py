"""What the doctor says when images do not come, or not all of them."""

import re

import pytest

from yolact_ros.health.transport import Level, Observation, examine

IMAGE = 'sensor_msgs/msg/Image'
PROFILE_VARIABLE = 'FASTDDS_DEFAULT_PROFILES_FILE'


def seen(**facts):
    return Observation(**{'topic': '/image', 'type': IMAGE, 'publishers': (IMAGE,), **facts})


def test_all_is_well_while_images_come():
    finding = examine(seen(received=300, rate=29.97))
    assert (finding.level, finding.text) == (Level.OK, '30.0 images a second on /image')


def test_at_first_one_waits():
    assert examine(seen(silence=0.5)).text == 'waiting for the first image on /image'


@pytest.mark.parametrize(
    ('facts', 'level', 'words'),
    [
        ({'publishers': ()}, Level.ERROR, 'has no publisher'),
        (
            {'publishers': (), 'image_topics': {IMAGE: ['/camera/image_raw']}},
            Level.ERROR,
            'images come on /camera/image_raw: start it with --ros-args -r '
            'image:=/camera/image_raw',
        ),
        (
            {'publishers': ('sensor_msgs/msg/CompressedImage',)},
            Level.ERROR,
            'sends sensor_msgs/msg/CompressedImage, the node expects sensor_msgs/msg/Image; start '
            'it with --ros-args -p image_transport:=compressed -r image/compressed:=/image$',
        ),
        (
            {'incompatible_policy': 'RELIABILITY'},
            Level.ERROR,
            'policy RELIABILITY; start it with --ros-args -p '
            'qos_overrides./image.subscription.reliability:=best_effort',
        ),
        ({'has_any': True}, Level.WARN, 'has stopped sending'),
        ({}, Level.ERROR, f'all is lost on the way: .*{PROFILE_VARIABLE}='),
    ],
)
def test_silence_is_explained(facts, level, words):
    finding = examine(seen(silence=3.2, **facts))
    assert finding.level is level
    assert finding.text.startswith('no image on /image for 3 s')
    assert re.search(words, finding.text)


COLOR, PACKED = '/camera/color/image_raw', '/camera/color/image_raw/compressed'
JPEG = 'sensor_msgs/msg/CompressedImage'


@pytest.mark.parametrize(
    ('facts', 'words'),
    [
        ({}, f'-r image:={COLOR} (yolact.launch.py: image:={COLOR})'),
        ({'name': 'front/image'}, f'-r front/image:={COLOR}'),
        (
            {'remapped_to': '/camera/colour/image_raw'},
            f'-r image:={COLOR} instead of image:=/camera/colour/image_raw (yolact.launch.py',
        ),
        ({'type': JPEG}, f'-r image:={COLOR} (yolact'),
        (
            {'type': JPEG, 'image_topics': {JPEG: ['/jpeg']}},
            '-r image/compressed:=/jpeg',
        ),
        (
            {'image_topics': {JPEG: [PACKED]}},
            f'-p image_transport:=compressed -r image:={COLOR} '
            f'(yolact.launch.py: image_transport:=compressed image:={COLOR})',
        ),
        (
            {'type': JPEG, 'name': 'front/image', 'image_topics': {IMAGE: [COLOR]}},
            f'-p image_transport:=raw -r front/image:={COLOR}',
        ),
    ],
)
def test_hints_are_words_that_can_be_pasted(facts, words):
    topics = {IMAGE: ['/a/depth/image_raw', COLOR], JPEG: [PACKED]}
    said = examine(seen(**{'silence': 9, 'publishers': (), 'image_topics': topics, **facts})).text
    assert f'start it with --ros-args {words}' in said
    if not words.endswith(('(yolact', 'yolact.launch.py')):
        assert said.endswith(words)


def test_the_topic_whose_name_is_most_alike_is_proposed_and_depth_last():
    topics = {IMAGE: ['/camera/colour/depth_raw', '/rear/image', COLOR]}
    facts = {'topic': '/camera/colour/image_raw', 'publishers': (), 'image_topics': topics}
    assert f'-r image:={COLOR}' in examine(seen(silence=9, **facts)).text


def test_losses_are_told_with_their_remedy():
    finding = examine(seen(received=10, lost=290, rate=1.0))
    assert finding.level is Level.WARN
    assert finding.text.startswith('290 of 300 images that were published on /image')
    assert f'{PROFILE_VARIABLE}=$(ros2 pkg prefix --share yolact)' in finding.text


def test_a_rare_loss_is_no_reason_to_worry():
    assert examine(seen(received=299, lost=1)).level is Level.OK


def test_where_the_profile_is_set_the_camera_is_suspected():
    facts = {'received': 1, 'lost': 9, 'environment': {PROFILE_VARIABLE: '/some/file.xml'}}
    assert 'for the camera too' in examine(seen(**facts)).text


def test_other_middlewares_have_other_remedies():
    finding = examine(seen(received=1, lost=9, middleware='rmw_cyclonedds_cpp'))
    assert 'net.core.rmem_max' in finding.text
    assert PROFILE_VARIABLE not in finding.text


def test_the_profile_is_named_as_the_installed_fast_dds_calls_it():
    old = 'FASTRTPS_DEFAULT_PROFILES_FILE'
    facts = {'received': 1, 'lost': 9, 'profile_variable': old}
    assert f'set {old}=$(ros2' in examine(seen(**facts)).text
    assert 'for the camera too' in examine(seen(**facts, environment={old: '/some/file'})).text
