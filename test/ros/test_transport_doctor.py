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
            {'publishers': (), 'image_topics': ('/camera/image_raw',)},
            Level.ERROR,
            'images come on /camera/image_raw: remap it, such as image:=/camera/image_raw',
        ),
        (
            {'publishers': ('sensor_msgs/msg/CompressedImage',)},
            Level.ERROR,
            'sends sensor_msgs/msg/CompressedImage, the node expects sensor_msgs/msg/Image',
        ),
        (
            {'incompatible_policy': 'RELIABILITY'},
            Level.ERROR,
            'policy RELIABILITY; override it with qos_overrides./image.subscription.reliability',
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
