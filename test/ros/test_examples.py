"""The examples for consumers, on scenes small enough to draw."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header
from yolact.msg import Instance, InstanceArray, InstanceMask, Object, ObjectArray
from yolact.srv import GetObjects

from yolact_ros.messages.builder import ros_messages

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / 'examples'
XYZ = {'x': np.float32, 'y': np.float32, 'z': np.float32}
DATATYPES = {np.float32: PointField.FLOAT32, np.uint32: PointField.UINT32}


def load(name):
    """Return an example, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_cloud(points, labels=None):
    """Return a cloud of shape (H, W, 3), with labels if there are any."""
    kinds = XYZ if labels is None else {**XYZ, 'label': np.uint32}
    rows = np.zeros(np.shape(points)[:2], list(kinds.items()))
    for index, name in enumerate('xyz'):
        rows[name] = np.array(points)[..., index]
    if labels is not None:
        rows['label'] = labels
    fields = [
        PointField(name=name, offset=4 * index, datatype=DATATYPES[kind], count=1)
        for index, (name, kind) in enumerate(kinds.items())
    ]
    height, width = rows.shape
    step = rows.dtype.itemsize
    return PointCloud2(
        height=height,
        width=width,
        fields=fields,
        point_step=step,
        row_step=width * step,
        data=rows.tobytes(),
    )


def test_marking_takes_the_wanted_classes_where_something_was_measured():
    mask = ros_messages.to_image(np.array([[56, 56, 255, 56]], np.uint8), 'mono8', Header())
    cloud = make_cloud([[[1.02] * 3, [-0.01] * 3, [3.0] * 3, [np.nan] * 3]])
    mark = load('costmap_marking').mark
    assert mark(mask, cloud, [56]).tolist() == [[-1, -1], [20, 20]]
    assert len(mark(mask, cloud, [1])) == 0


def make_objects():
    """Return two cups and a bowl, of which the second cup is nearer."""
    kinds = [('cup', 2.0), ('cup', 1.0), ('bowl', 0.5)]
    return ObjectArray(
        objects=[
            Object(label=number, class_name=name, depth=depth)
            for number, (name, depth) in enumerate(kinds, start=1)
        ]
    )


def test_the_nearest_object_of_a_class_is_cut_out():
    objects = make_objects()
    cloud = make_cloud([[[0, 0, 1], [0, 0, 2], [1, 0, 2], [0, 0, 3]]], [[1, 2, 2, 3]])
    cut_out = load('grasp_cloud').cut_out
    grasp = cut_out(objects, cloud, 'cup')
    assert grasp.target.label == 2
    assert grasp.points.tolist() == [[0, 0, 2], [1, 0, 2]]
    assert cut_out(objects, cloud, 'dog') is None


def test_the_nearest_object_of_an_answer_is_cut_out():
    clouds = [make_cloud([[[0, 0, number]]]) for number in range(3)]
    response = GetObjects.Response(objects=make_objects(), points=clouds)
    nearest = load('grasp_cloud').nearest
    grasp = nearest(response)
    assert (grasp.target.class_name, grasp.points.tolist()) == ('bowl', [[0, 0, 2]])
    assert nearest(GetObjects.Response()) is None


def make_instances(size):
    """Return a person at the upper left pixel, and a chair at the lower right one."""
    height, width = size
    instances = InstanceArray(image_height=height, image_width=width)
    for name, x, y in (('person', 0, 0), ('chair', width - 1, height - 1)):
        mask = InstanceMask(encoding=InstanceMask.RLE, area=1, rle=[0, 1])
        mask.roi.x_offset, mask.roi.y_offset, mask.roi.width, mask.roi.height = x, y, 1, 1
        instances.instances.append(Instance(class_name=name, score=0.5, mask=mask))
    return instances


@pytest.mark.parametrize(('encoding', 'kind'), [('16UC1', np.uint16), ('32FC1', np.float32)])
def test_people_are_removed_from_depth_and_nothing_far_from_them(encoding, kind):
    values = np.full((40, 60), 2, kind)
    depth = ros_messages.to_image(values, encoding, Header(frame_id='camera'))
    removed = load('slam_depth').remove_people(depth, make_instances((40, 60)), margin=8)
    assert (removed.header, removed.encoding) == (depth.header, encoding)
    pixels = np.frombuffer(removed.data, kind).reshape(40, 60)
    assert not pixels[:9, :9].any()
    assert (pixels[16:] == 2).all()
    assert (pixels[:, 16:] == 2).all()
    assert (np.frombuffer(depth.data, kind) == 2).all()


def test_the_examples_in_cpp_pass_their_tests(tmp_path):
    from ament_index_python.packages import get_package_prefix

    include = Path(get_package_prefix('sensor_msgs')) / 'include'
    own = Path(get_package_prefix('yolact')) / 'include'
    folders = [path for one in {include, own} for path in one.iterdir()]
    program = tmp_path / 'examples'
    source = ROOT / 'test' / 'cpp' / 'test_examples.cpp'
    words = ['-std=c++17', '-Wall', '-Wextra', '-Werror', f'-I{ROOT / "include"}', f'-I{EXAMPLES}']
    system = [word for path in folders for word in ('-isystem', str(path))]
    try:
        subprocess.run(['g++', *words, *system, source, '-o', program], check=True)
    except FileNotFoundError:
        pytest.skip('needs a C++ compiler: apt install g++')
    subprocess.run([program], check=True, timeout=60)
