"""A new topic is a row of the table of outputs and its maker: node and bags follow."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('rosbags', reason='rosbags is not installed: pip install rosbags')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from bags import image_item, read_messages, write_bag
from sensor_msgs.msg import Image
from yolact.msg import InstanceArray

from yolact_ros.messages import outputs

ADD_ROW = """
from yolact_ros.messages import outputs

def make_silhouettes(messages, result):
    return messages.to_image((result.labels > 0).astype('uint8') * 255, 'mono8', result.header)

row = outputs.Output('silhouettes', outputs.IMAGE, 1, make_silhouettes)
outputs.OUTPUTS = (*outputs.OUTPUTS, row)
"""


def test_the_node_publishes_it(start_node, tester, make_image):
    node = start_node(before=ADD_ROW)
    node.wait_for('listens to /image')
    instances = tester.listen('/yolact/instances', InstanceArray)
    silhouettes = tester.listen('/yolact/silhouettes', Image)
    image = tester.ask(make_image(stamp=4.0), silhouettes)
    (found,) = tester.until(lambda: instances[-1:], 'instances come too')
    assert (image.encoding, image.header.stamp.sec, image.height) == ('mono8', 4, 96)
    assert found.instances
    assert set(np.unique(np.frombuffer(image.data, np.uint8))) == {0, 255}


def test_bags_of_results_hold_it(run_bag, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, 'OUTPUTS', outputs.OUTPUTS)  # is taken back afterwards
    exec(ADD_ROW, {})
    bag = write_bag(tmp_path / 'bag', [image_item(index) for index in range(2)])
    assert run_bag(bag, tmp_path / 'out.mcap', '--outputs', 'silhouettes,label_image') == 0
    written = read_messages(tmp_path / 'out.mcap')
    pairs = zip(written['/yolact/silhouettes'], written['/yolact/label_image'], strict=True)
    for (time, silhouettes), (other, labels) in pairs:
        assert time == other
        seen = np.frombuffer(labels.data, np.uint16) > 0
        assert seen.any()
        np.testing.assert_array_equal(np.frombuffer(silhouettes.data, np.uint8), seen * 255)
