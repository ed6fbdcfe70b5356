"""Another DDS implementation, in a process without ROS, reads what the node publishes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')
pytest.importorskip('cyclonedds', reason='needs Cyclone DDS: pip install cyclonedds')

from cyclone_process import start
from yolact.msg import InstanceArray

from yolact_ros.masks import to_full_size


@pytest.fixture(scope='module', params=['rle', 'bitmap', 'mono8'])
def node(request, start_node):
    node = start_node('-r', f'__ns:=/{request.param}', mask_encoding=request.param)
    node.wait_for(f'listens to /{request.param}/image')
    yield request.param
    node.stop()


@pytest.fixture
def client(domain, node, tmp_path):
    """Start the client; it ends when it has heard of instances."""
    output = tmp_path / 'heard.npz'
    with start('cyclone_client.py', domain, f'/{node}/yolact/instances', output) as process:
        yield process, output


def test_it_decodes_the_same_pixels_as_a_client_of_ros(tester, node, client, make_image):
    process, output = client
    heard = tester.listen(f'/{node}/yolact/instances', InstanceArray)
    for second in range(1, 200):
        tester.send(make_image(stamp=second), f'/{node}/image')
        tester.spin(0.2)
        if process.poll() is not None:
            break
    assert process.poll() == 0, process.communicate(timeout=30)[0]
    tester.spin(0.5)
    with np.load(output) as arrays:
        read = dict(arrays)
    assert not read['has_rclpy']
    (found,) = (one for one in heard if one.header.stamp.sec == read['stamp'][0])
    size = found.image_height, found.image_width
    masks = [to_full_size(one.mask, size) for one in found.instances]
    assert size == (96, 128)
    assert read['sequence'] == found.sequence
    assert read['names'].tolist() == [one.class_name for one in found.instances]
    np.testing.assert_array_equal(read['boxes'], [one.box for one in found.instances])
    np.testing.assert_array_equal(read['masks'], masks)
    assert read['masks'].any()
