"""Parameters of a running node: what changes at once, what is refused and why."""

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from rcl_interfaces.srv import DescribeParameters
from sensor_msgs.msg import Image
from yolact.msg import InstanceArray, InstanceMask, ModelInfo

from yolact_ros.node.settings import TABLE


@pytest.fixture(scope='module')
def node(start_node):
    node = start_node()
    node.wait_for('listens to /image')
    return node


@pytest.fixture
def found(node, tester, make_image):
    """Return what the node finds in the photo under some parameters, which are put back then."""
    instances = tester.listen('/yolact/instances', InstanceArray)
    before = {}

    def find(**values):
        values = {name.replace('__', '.'): value for name, value in values.items()}
        for name in values:
            before.setdefault(name, tester.get_parameter(name))
        for result in tester.set_parameters(values):
            assert result.successful, result.reason
        instances.clear()
        return list(tester.ask(make_image(), instances).instances)

    yield find
    tester.set_parameters(before)


def test_each_parameter_is_described_with_its_range(node, tester):
    names = [row.name for row in TABLE]
    answer = tester.call(
        DescribeParameters,
        '/yolact/describe_parameters',
        DescribeParameters.Request(names=names),
    )
    for row, descriptor in zip(TABLE, answer.descriptors, strict=True):
        assert descriptor.description.startswith(row.description)
        ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
        assert bool(ranges) == bool(row.range), row.name


def test_the_score_threshold_takes_effect_at_once(found):
    everything = found(score_threshold=0.05)
    limit = everything[len(everything) // 2].score
    fewer = found(score_threshold=limit)
    assert 0 < len(fewer) < len(everything)
    assert all(one.score > limit for one in fewer)


def test_classes_are_chosen_by_name_before_the_limit_is_applied(found):
    assert {one.class_name for one in found(max_detections=100)} == {'person', 'chair', 'cup'}
    only = found(classes=['cup'], max_detections=3)
    assert [one.class_name for one in only] == ['cup'] * 3


def test_all_classes_are_published_again_after_an_empty_list(found):
    found(classes=['cup'])
    assert len({one.class_name for one in found(classes=[])}) == 3


def test_small_instances_are_left_out(found):
    areas = sorted(one.mask.area for one in found(min_area=0))
    limit = areas[len(areas) // 2]
    assert min(one.mask.area for one in found(min_area=limit)) >= limit


@pytest.mark.parametrize(
    ('name', 'encoding', 'field'),
    [
        ('rle', InstanceMask.RLE, 'rle'),
        ('bitmap', InstanceMask.BITMAP, 'data'),
        ('mono8', InstanceMask.MONO8, 'data'),
    ],
)
def test_masks_come_in_the_encoding_that_is_asked_for(found, name, encoding, field):
    for one in found(mask_encoding=name, min_area=1):
        assert one.mask.encoding == encoding
        assert len(getattr(one.mask, field)) > 0


def test_masks_may_be_left_out_but_not_their_places(found):
    for one in found(mask_encoding='none', min_area=1):
        assert one.mask.encoding == InstanceMask.NONE
        assert (len(one.mask.rle), len(one.mask.data)) == (0, 0)
        assert one.mask.roi.width > 0


def test_coefficients_come_when_asked_for(found):
    assert all(len(one.coefficients) == 0 for one in found(publish_coefficients=False))
    assert all(len(one.coefficients) == 8 for one in found(publish_coefficients=True))


def test_the_overlay_changes_with_its_style(node, tester, make_image):
    images = tester.listen('/yolact/overlay', Image)
    plain = {f'overlay.{part}': False for part in ('masks', 'contours', 'boxes', 'labels')}
    drawn = bytes(tester.ask(make_image(), images).data)
    tester.set_parameters(plain)
    images.clear()
    undrawn = bytes(tester.ask(make_image(encoding='bgr8'), images).data)
    tester.set_parameters(dict.fromkeys(plain, True))
    assert undrawn == bytes(make_image().data)
    assert drawn != undrawn


def test_the_overlay_is_as_large_as_asked(node, tester, make_image):
    images = tester.listen('/yolact/overlay', Image)
    tester.set_parameters({'overlay.scale': 0.5})
    smaller = tester.ask(make_image(), images)
    tester.set_parameters({'overlay.scale': 1.0})
    assert (smaller.height, smaller.width, smaller.step) == (48, 64, 192)


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('score_threshold', 1.5, 'score_threshold'),
        ('score_threshold', 'high', 'score_threshold'),
        ('max_detections', 0, 'max_detections'),
        ('mask_encoding', 'png', 'mask_encoding must be one of rle, bitmap, mono8, none'),
        ('classes', ['unicorn'], "classes must be among person, chair, cup, got 'unicorn'"),
        ('overlay.alpha', -0.1, 'overlay.alpha'),
        ('model.device', 'cuda', 'only while the node is unconfigured: deactivate, cleanup'),
        ('cameras', ['left'], 'only while the node is unconfigured'),
        ('autostart', False, 'autostart'),
    ],
)
def test_a_bad_value_is_refused_with_the_reason_and_changes_nothing(
    node, tester, name, value, words
):
    before = tester.get_parameter(name)
    (result,) = tester.set_parameters({name: value})
    assert not result.successful
    assert words in result.reason
    assert tester.get_parameter(name) == before


def test_of_several_parameters_set_at_once_all_or_none_change(node, tester, found):
    (result,) = tester.set_parameters(
        {'max_detections': 2, 'nms': 'soft', 'min_area': 5}, atomically=True
    )
    assert not result.successful
    assert 'nms must be one of' in result.reason
    assert tester.get_parameter('max_detections') == 100
    assert len(found()) > 2


def test_parameters_change_while_images_stream(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    for limit in (1, 5, 2, 8, 3):
        tester.set_parameters({'max_detections': limit})
        for _ in range(3):
            tester.send(make_image())
            tester.spin(0.02)
        instances.clear()
        assert len(tester.ask(make_image(), instances).instances) <= 8
    instances.clear()
    assert len(tester.ask(make_image(), instances).instances) == 3
    tester.set_parameters({'max_detections': 100})


def test_the_rate_is_limited(node, tester, make_image):
    instances = tester.listen('/yolact/instances', InstanceArray)
    tester.set_parameters({'max_rate': 5.0})
    tester.ask(make_image(), instances)
    instances.clear()
    for _ in range(100):
        tester.send(make_image())
        tester.spin(0.02)
    tester.set_parameters({'max_rate': 0.0})
    assert 5 <= len(instances) <= 13  # in about two seconds


def test_the_model_changes_while_the_node_is_unconfigured(node, tester, tmp_path):
    import torch

    from yolact_core import load_network, save_checkpoint

    network = load_network(tester.get_parameter('model.name'))
    with torch.no_grad():
        network.get_parameter('prediction_layers.0.conf_layer.bias').add_(1)
    save_checkpoint(network, tmp_path / 'other.safetensors')
    infos = tester.listen('/yolact/model_info', ModelInfo, 1)
    assert tester.change_state('deactivate')
    (refused,) = tester.set_parameters({'model.name': str(tmp_path / 'other.safetensors')})
    assert not refused.successful
    assert tester.change_state('cleanup')
    (accepted,) = tester.set_parameters({'model.name': str(tmp_path / 'other.safetensors')})
    assert accepted.successful, accepted.reason
    assert tester.change_state('configure')
    assert tester.change_state('activate')
    tester.until(lambda: infos, 'model info comes')
    assert infos[-1].model_id.startswith('tiny@')


def test_a_model_that_cannot_be_loaded_leaves_the_node_unconfigured_and_usable(node, tester):
    name = tester.get_parameter('model.name')
    assert tester.change_state('deactivate')
    assert tester.change_state('cleanup')
    tester.set_parameters({'model.name': 'unheard_of'})
    assert not tester.change_state('configure')
    assert tester.state() == 'unconfigured'
    node.wait_for('cannot configure: model must be one of')
    tester.set_parameters({'model.name': name})
    assert tester.change_state('configure')
    assert tester.change_state('activate')
