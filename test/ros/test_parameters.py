"""The table of parameters: what it refuses, and the settings that it makes."""

from dataclasses import replace

import pytest

from yolact_core.errors import InputError
from yolact_ros.node.parameters import When
from yolact_ros.node.settings import ROWS, TABLE, Settings, check


@pytest.fixture
def settings():
    return Settings()


def test_every_parameter_says_what_it_means_and_when_it_changes():
    for row in TABLE:
        descriptor = row.descriptor()
        assert descriptor.description.endswith(f'Changeable {row.when.value}.')
        assert descriptor.read_only == (row.when is When.START)


def test_numbers_have_ranges_that_hold_their_defaults():
    for row in TABLE:
        if isinstance(row.default, int | float) and not isinstance(row.default, bool):
            low, high = row.range
            assert low <= row.default <= high, row.name


def test_choices_hold_their_defaults():
    assert all(row.default in row.choices for row in TABLE if row.choices)


def test_descriptors_carry_ranges_in_the_type_of_the_parameter():
    (real,) = ROWS['score_threshold'].descriptor().floating_point_range
    assert (real.from_value, real.to_value) == pytest.approx((0, 0.999))
    (whole,) = ROWS['max_detections'].descriptor().integer_range
    assert (whole.from_value, whole.to_value, whole.step) == (1, 1000, 1)


def test_a_change_makes_new_settings_and_leaves_the_old(settings):
    changed = check(settings, {'score_threshold': 0.7}, may_configure=False)
    assert (settings.score_threshold, changed.score_threshold) == (0.3, 0.7)
    assert changed.detector_options.score_threshold == 0.7


def test_a_whole_number_may_stand_for_a_real_one(settings):
    age = check(settings, {'max_age': 2}, may_configure=False).max_age
    assert (age, type(age)) == (2.0, float)


def test_parameters_of_others_are_none_of_ours(settings):
    assert check(settings, {'use_sim_time': True}, may_configure=False) == settings


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('score_threshold', 1, 'score_threshold must be from 0 to 0.999, got 1.0'),
        ('score_threshold', 'high', "score_threshold must be of type float, got 'high'"),
        ('max_detections', 2.5, 'max_detections must be of type int, got 2.5'),
        ('class_agnostic', 1, 'class_agnostic must be of type bool, got 1'),
        ('classes', 'cup', "classes must be a list of strings, got 'cup'"),
        ('nms', 'soft', r"nms must be one of fast, traditional, got 'soft'"),
        ('mask_encoding', 'png', r'mask_encoding must be one of rle, bitmap, mono8, none'),
        ('overlay.color_by', 'mood', r'overlay.color_by must be one of class, instance'),
        ('overlay.scale', 0.0, r'overlay.scale must be from 0.01 to 1, got 0.0'),
        ('classes', [1, 2], r'classes must be a list of strings, got \[1, 2\]'),
        ('cameras', ['a', 'a'], r"cameras must be different names .* got 'a'"),
        ('cameras', ['left cam'], r"cameras must be .* got 'left cam'"),
    ],
)
def test_bad_values_are_refused_with_the_reason(settings, name, value, words):
    with pytest.raises(InputError, match=words):
        check(settings, {name: value}, may_configure=True)


@pytest.mark.parametrize('name', [row.name for row in TABLE if row.when is When.UNCONFIGURED])
def test_what_shapes_the_node_is_refused_once_it_is_configured(settings, name):
    other = ('a',) if isinstance(ROWS[name].default, tuple) else 'other'
    with pytest.raises(InputError, match='only while the node is unconfigured: deactivate'):
        check(settings, {name: other}, may_configure=False)


def test_setting_what_is_already_set_is_no_change(settings):
    same = {'model.device': 'auto', 'cameras': ['']}
    assert check(settings, same, may_configure=False) == settings


@pytest.mark.parametrize('empty', [[], [''], None, ()])
def test_every_kind_of_empty_list_means_all(settings, empty):
    assert check(settings, {'classes': empty}, may_configure=False).classes == ()


def test_without_names_there_is_one_camera_without_a_name(settings):
    assert settings.camera_names == ('',)
    assert replace(settings, cameras=('left', 'right')).camera_names == ('left', 'right')


def test_a_rate_becomes_an_interval(settings):
    assert settings.interval == 0
    assert replace(settings, max_rate=5.0).interval == 0.2


def test_the_overlay_is_drawn_as_the_parameters_say(settings):
    changes = {'overlay.alpha': 0.8, 'overlay.boxes': False}
    style = check(settings, changes, may_configure=False).overlay
    assert (style.alpha, style.boxes, style.labels) == (0.8, False, True)
