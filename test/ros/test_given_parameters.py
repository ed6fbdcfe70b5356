"""Parameters that are given in vain are told: misspelt ones, and those of other nodes."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from diagnostic_msgs.msg import DiagnosticArray

from yolact_core.errors import InputError
from yolact_ros.node.given import complain, parameters_for_others


@pytest.mark.parametrize(
    ('section', 'node', 'is_meant'),
    [
        ('yolact', '/yolact', True),
        ('/yolact', '/yolact', True),
        ('/**', '/a/b/yolact', True),
        ('/*', '/yolact', True),
        ('/**/yolact', '/yolact', True),
        ('/**/yolact', '/a/b/yolact', True),
        ('/robot/*', '/robot/yolact', True),
        ('robot:\n  yolact', '/robot/yolact', True),
        ('yolact', '/robot/yolact', False),
        ('/*', '/robot/yolact', False),
        ('yolact_node', '/yolact', False),
        ('/robot/**', '/other/yolact', False),
    ],
)
def test_sections_of_files_are_matched_as_ros_does(tmp_path, section, node, is_meant):
    *outer, inner = section.split('\n')
    file = tmp_path / 'some.yaml'
    file.write_text('\n'.join([*outer, f'{inner}: {{ros__parameters: {{nms: fast}}}}']))
    told = list(parameters_for_others(['--ros-args', '--params-file', str(file)], node))
    assert bool(told) != is_meant
    assert all(f'none of {node}' in each for each in told)


def test_a_file_for_several_nodes_is_fine_as_long_as_this_one_is_among_them(tmp_path):
    file = tmp_path / 'some.yaml'
    file.write_text('a: {ros__parameters: {x: 1}}\nyolact: {ros__parameters: {nms: fast}}')
    assert not list(parameters_for_others(['--params-file', str(file)], '/yolact'))


@pytest.mark.parametrize(
    ('word', 'count'), [('nms:=fast', 0), ('yolact:nms:=fast', 0), ('yolakt:nms:=fast', 1)]
)
def test_words_for_another_node_are_told(word, count):
    assert len(list(parameters_for_others(['--ros-args', '-p', word], '/yolact'))) == count


@pytest.mark.parametrize('text', ['', '# nothing yet', '{}'])
def test_a_file_of_nothing_is_told(tmp_path, text):
    file = tmp_path / 'some.yaml'
    file.write_text(text)
    (told,) = parameters_for_others(['--params-file', str(file)], '/yolact')
    assert told == f'{file} has parameters of no node, none of /yolact'


@pytest.mark.parametrize('text', ['{}\n---\n{}', '{yolact: !!python/name:os.path x}', 'a: [\xe9'])
def test_a_file_that_ros_and_yaml_read_differently_is_refused(tmp_path, text):
    file = tmp_path / 'some.yaml'
    file.write_text(text, encoding='latin-1')
    with pytest.raises(InputError, match='--params-file must be one document of plain YAML'):
        list(parameters_for_others(['--params-file', str(file)], '/yolact'))


def test_a_group_that_is_given_a_value_is_told_with_its_parameters():
    known = ('nms', 'overlay.masks', 'overlay.boxes')
    assert complain('overlay', known).endswith('; is overlay.masks or overlay.boxes meant?')


def test_misspelt_parameters_are_told_in_the_log_and_on_diagnostics(start_node, tester, tmp_path):
    file = tmp_path / 'given.yaml'
    file.write_text(
        '/**:\n  ros__parameters:\n    overlay: {alhpa: 0.5}\n    front: {score_threshold: 0.5}\n'
    )
    node = start_node(
        *('--params-file', str(file)),
        score_treshold=0.4,
        **{'qos_overrides./imgae.subscription.reliability': 'reliable'},
    )
    node.wait_for('listens to /image')
    node.wait_for('there is no parameter qos_overrides./imgae.subscription.reliability')
    for name, meant in (
        ('score_treshold', 'score_threshold'),
        ('overlay.alhpa', 'overlay.alpha'),
        ('front.score_threshold', 'score_threshold'),
    ):
        assert f'there is no parameter {name}; is {meant} meant?' in node.log
    heard = tester.listen('/diagnostics', DiagnosticArray)
    tester.until(lambda: heard, 'diagnostics come')
    (status,) = (one for one in heard[-1].status if one.name == 'yolact: parameters')
    assert status.level == b'\x01'
    assert 'score_treshold' in status.message


def test_setting_an_unknown_parameter_is_refused_with_its_name(start_node, tester):
    node = start_node(autostart=False)
    node.wait_for('autostart is off')
    (result,) = tester.set_parameters({'score_treshold': 0.4})
    assert not result.successful
    assert result.reason == 'there is no parameter score_treshold; is score_threshold meant?'
