"""Malformed messages by the thousand: each is counted, and the next good image is answered."""

import os

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2: make setup')
pytest.importorskip('yolact.msg', reason='needs the built interfaces of this package: make setup')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from yolact.msg import StageTiming

COUNT = int(os.environ.get('YOLACT_FLOOD_MESSAGES', '3000'))  # 100000 for the whole flood
BATCH = 500
QUEUE = {  # so that the middleware loses none
    'qos_overrides./image.subscription.reliability': 'reliable',
    'qos_overrides./image.subscription.depth': 2 * BATCH,
}
OUTCOMES = ('processed', 'dropped_busy', 'dropped_stale', 'unreadable', 'failed')


def malform(whole, random):
    """Cut a serialized message off, overwrite some of its bytes, or make all of them up."""
    kind = random.integers(3)
    if kind == 0:
        return whole[: random.integers(4, len(whole))]
    if kind == 1:
        data = np.frombuffer(whole, np.uint8).copy()
        data[random.integers(0, 80, 8)] = random.integers(0, 256, 8)
        return data.tobytes()
    return random.integers(0, 256, random.integers(4, 300), dtype=np.uint8).tobytes()


@pytest.mark.timeout(3600)
def test_every_malformed_message_is_counted_and_none_ends_the_node(start_node, tester, make_image):
    node = start_node(diagnostics_period=0.1, **QUEUE)
    node.wait_for('listens to /image')
    arrays = tester.listen('/diagnostics', DiagnosticArray)
    timings = tester.listen('/yolact/timing', StageTiming)
    publisher = tester.advertise('/image', Image, QoSProfile(depth=2 * BATCH))
    random = np.random.default_rng(0)
    whole = serialize_message(make_image(np.zeros((8, 8, 3), np.uint8)))

    def counts():
        (said,) = (one for one in arrays[-1].status if one.name == 'yolact: freshness')
        return {pair.key: int(pair.value) for pair in said.values if pair.value.isdecimal()}

    for sent in range(0, COUNT, BATCH):
        for _ in range(BATCH):
            publisher.publish(malform(whole, random))
        arrays.clear()
        tester.until(
            lambda sent=sent: arrays and counts()['received'] == sent + BATCH,
            f'{sent + BATCH} messages have been received',
        )
    timings.clear()
    last = tester.ask(make_image(), timings)
    assert node.process.poll() is None
    assert last.received >= COUNT
    assert last.received == sum(getattr(last, outcome) for outcome in OUTCOMES)
    assert last.unreadable > 0
    assert last.failed == 0, node.log
    assert 'Traceback' not in node.log
    print({outcome: getattr(last, outcome) for outcome in ('received', *OUTCOMES)})  # noqa: T201
