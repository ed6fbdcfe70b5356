import itertools
import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scenes import CLASS_NAMES, make_detections, make_nothing

WHY_SKIPPED = 'needs ROS 2 and the built interfaces of this package: make setup'
pytest.importorskip('yolact.msg', reason=WHY_SKIPPED)

from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
from yolact.msg import InstanceArray, InstanceMask, StageTiming  # noqa: E402

from yolact_core.config import ModelConfig  # noqa: E402
from yolact_core.palette import make_palette  # noqa: E402
from yolact_ros import masks  # noqa: E402
from yolact_ros.health.freshness import Counters  # noqa: E402
from yolact_ros.health.latencies import StageTimes  # noqa: E402
from yolact_ros.masks import MaskEncoding  # noqa: E402
from yolact_ros.messages.builder import ros_messages as messages  # noqa: E402
from yolact_ros.messages.outputs import make_label_image8  # noqa: E402

WHY_NO_VISION = (
    'needs vision_msgs, which comes with ROS distributions: apt install ros-*-vision-msgs'
)
PIXEL_ENCODINGS = [encoding for encoding in MaskEncoding if encoding != MaskEncoding.NONE]


@pytest.fixture
def header():
    header = Header(frame_id='camera_optical')
    header.stamp.sec, header.stamp.nanosec = 12, 345
    return header


@pytest.fixture
def detections():
    return make_detections()


def to_instances(detections, header, **options):
    return messages.to_instance_array(
        detections, header, model_id='tiny@0123456789ab', sequence=7, **options
    )


def pixels_of(message):
    kind = np.uint16 if message.encoding == 'mono16' else np.uint8
    return np.frombuffer(message.data, kind).reshape(message.height, message.width)


def seen_at(detections):
    """Return for each pixel the index of the best instance there, or -1."""
    dense = detections.masks.dense()
    height, width = detections.size
    seen = np.full((height, width), -1)
    for row, column in itertools.product(range(height), range(width)):
        found = np.flatnonzero(dense[:, row, column])
        seen[row, column] = found[0] if len(found) else -1
    return seen


def test_the_array_tells_which_image_and_model(detections, header):
    message = to_instances(detections, header)
    assert message.header is header
    assert (message.image_height, message.image_width) == (37, 53)
    assert (message.model_id, message.sequence) == ('tiny@0123456789ab', 7)


def test_every_instance_is_told_in_order(detections, header):
    for index, instance in enumerate(to_instances(detections, header).instances):
        assert instance.label == index + 1
        assert instance.class_id == detections.class_ids[index]
        assert instance.class_name == CLASS_NAMES[index % 3]
        assert instance.score == detections.scores[index]
        np.testing.assert_array_equal(instance.box, detections.boxes[index])
        assert (instance.id, instance.track_age) == ('', 0)
        assert len(instance.coefficients) == 0


def test_coefficients_come_when_asked_for(detections, header):
    message = to_instances(detections, header, with_coefficients=True)
    told = np.array([instance.coefficients for instance in message.instances])
    np.testing.assert_array_equal(told.astype(np.float32), detections.coefficients)


@pytest.mark.parametrize('encoding', PIXEL_ENCODINGS)
def test_masks_decode_to_the_same_pixels(detections, header, encoding):
    message = to_instances(detections, header, encoding=encoding)
    for instance, dense in zip(message.instances, detections.masks.dense(), strict=True):
        assert instance.mask.encoding == encoding
        assert instance.mask.area == dense.sum()
        full = masks.to_full_size(instance.mask, detections.size)
        np.testing.assert_array_equal(full, dense)


def test_without_masks_rectangle_and_area_remain(detections, header):
    message = to_instances(detections, header, encoding=MaskEncoding.NONE)
    mask = message.instances[1].mask
    assert mask.encoding == InstanceMask.NONE
    assert len(mask.rle) == len(mask.data) == 0
    assert mask.area == detections.masks.areas()[1]
    assert (mask.roi.height, mask.roi.width) == detections.masks.crops[1].shape


@pytest.mark.parametrize('encoding', MaskEncoding)
def test_messages_survive_transport(detections, header, encoding):
    message = to_instances(detections, header, encoding=encoding, with_coefficients=True)
    assert deserialize_message(serialize_message(message), InstanceArray) == message


def test_nothing_found_is_an_array_of_length_0(header):
    message = to_instances(make_nothing(), header)
    assert message.instances == []
    assert (message.image_height, message.image_width) == (37, 53)


def test_the_label_image_shows_the_best_instance(detections, header):
    message = messages.to_label_image(detections[1:], header)
    assert message.header is header
    assert message.encoding == 'mono16'
    np.testing.assert_array_equal(pixels_of(message), seen_at(detections[1:]) + 1)


def test_labels_that_do_not_fit_into_8_bits_are_left_out(header):
    image = np.arange(600, dtype=np.uint16).reshape(20, 30)
    result = SimpleNamespace(labels=image, header=header)
    message = make_label_image8(messages, result)
    assert (message.encoding, message.step) == ('mono8', 30)
    np.testing.assert_array_equal(pixels_of(message), np.where(image < 256, image, 0))


def test_class_mask_and_confidence_show_the_best_instance(detections, header):
    detections = detections[1:]
    class_mask = messages.to_class_mask(detections, header)
    confidence = messages.to_confidence(detections, header)
    assert class_mask.header is confidence.header is header
    assert class_mask.encoding == confidence.encoding == 'mono8'
    seen = seen_at(detections)
    assert (seen == -1).any()
    class_ids = np.append(detections.class_ids, 255)  # the last one is found at -1
    scores = np.append((detections.scores * 255).round(), 0)
    np.testing.assert_array_equal(pixels_of(class_mask), class_ids[seen])
    np.testing.assert_array_equal(pixels_of(confidence), scores[seen])


def test_where_nothing_is_found_nothing_is_labelled(header):
    nothing = make_nothing()
    assert not pixels_of(messages.to_label_image(nothing, header)).any()
    assert (pixels_of(messages.to_class_mask(nothing, header)) == 255).all()
    assert not pixels_of(messages.to_confidence(nothing, header)).any()


def test_model_info_tells_what_makes_the_detections(header):
    config = ModelConfig.from_name('yolact_resnet50')
    message = messages.to_model_info(
        config,
        header,
        model_id='yolact_resnet50@0123456789ab',
        backend='torch',
        device='cuda:0',
        precision='float16',
    )
    assert message.header is header
    assert message.model_id == 'yolact_resnet50@0123456789ab'
    assert (message.config, message.input_size) == ('yolact_resnet50', 550)
    assert (message.backend, message.device, message.precision) == ('torch', 'cuda:0', 'float16')
    assert tuple(message.class_names) == config.class_names
    colors = np.array(message.class_colors).reshape(-1, 3)
    assert tuple(map(tuple, colors.tolist())) == make_palette(80)


def test_stage_timing_tells_all_stages_and_counters(header):
    times = StageTimes(*(0.5 * number for number in range(8)))
    counters = Counters(*range(10, 16))
    message = messages.to_stage_timing(header, times, counters)
    fields = list(StageTiming.get_fields_and_field_types())[1:]
    told = [getattr(message, field) for field in fields]
    assert told == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 10, 11, 12, 13, 14, 15]
    assert message.header is header


def test_detection2d_array_tells_boxes_names_and_scores(detections, header):
    pytest.importorskip('vision_msgs.msg', reason=WHY_NO_VISION)
    message = messages.to_detection2d_array(detections, header)
    assert message.header == header
    assert len(message.detections) == len(detections)
    for index, detection in enumerate(message.detections):
        left, top, right, bottom = detections.boxes[index].tolist()
        assert detection.header == header
        assert detection.bbox.size_x == pytest.approx(right - left)
        assert detection.bbox.size_y == pytest.approx(bottom - top)
        assert detection.bbox.center.position.x == pytest.approx((left + right) / 2)
        assert detection.bbox.center.position.y == pytest.approx((top + bottom) / 2)
        (result,) = detection.results
        assert result.hypothesis.class_id == detections.class_names[index]
        assert result.hypothesis.score == pytest.approx(detections.scores[index])


def test_label_info_names_the_values_of_the_class_mask(header):
    pytest.importorskip('vision_msgs.msg', reason=WHY_NO_VISION)
    message = messages.to_label_info(dict(enumerate(CLASS_NAMES)), header)
    assert message.header == header
    table = [(entry.class_id, entry.class_name) for entry in message.class_map]
    assert table == [(0, 'person'), (1, 'chair'), (2, 'cup')]


def documented_examples():
    """Return what the Python examples of the documentation define."""
    text = (Path(__file__).parents[2] / 'docs/decoding_masks.md').read_text()
    names = {'np': np, 'math': math}
    for block in re.findall(r'```python\n(.*?)```', text, re.DOTALL)[:2]:
        exec(block, names)
    return SimpleNamespace(**names)


def test_documented_examples_cut_an_object_out_of_a_depth_image(detections, header):
    instance = to_instances(detections, header).instances[1]
    pixels = detections.masks.dense()[1]
    depth = np.random.default_rng(1).integers(0, 9, detections.size).astype(np.uint16)
    examples = documented_examples()
    np.testing.assert_array_equal(examples.cut_out(instance, depth), depth * pixels)
    wanted = np.median(depth[pixels & (depth > 0)])
    assert examples.distance_of(instance, depth) == wanted
    assert math.isnan(examples.distance_of(instance, depth * 0))


def test_documented_examples_make_a_filter_mask(detections, header):
    published = []
    node = SimpleNamespace(publisher=SimpleNamespace(publish=published.append))
    detections = detections[1:]
    documented_examples().on_instances(node, to_instances(detections, header))
    people = detections.masks.dense()[detections.class_ids == CLASS_NAMES.index('person')]
    np.testing.assert_array_equal(pixels_of(published[0]), people.any(axis=0) * 255)
    assert published[0].header is header
