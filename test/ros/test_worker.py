"""The worker ends when it has ended: nobody else may use the model before."""

import threading
import time

import pytest

pytest.importorskip('yolact.srv', reason='needs the built interfaces of this package: make setup')

from yolact.srv import SegmentImage

from yolact_ros.node.mailbox import Frame, Mailbox
from yolact_ros.node.worker import NOT_ACTIVE, Worker

SECONDS = 0.4


class SlowPipeline:
    batch_size, interval = 1, 0.0

    def __init__(self):
        self.begun, self.served = threading.Event(), 0

    def serve(self, frames):
        self.begun.set()
        time.sleep(SECONDS if frames else 0)
        self.served += len(frames)

    def answer(self, request):
        raise AssertionError('too late')


@pytest.fixture
def pipeline():
    return SlowPipeline()


@pytest.fixture
def worker(pipeline):
    """Return a worker in the middle of an image."""
    worker = Worker(Mailbox(['']), pipeline)
    worker.start()
    worker.mailbox.put(Frame('', b'', 0.0, 0))
    assert pipeline.begun.wait(5)
    return worker


def test_a_stop_waits_for_the_image_being_worked_on(worker, pipeline):
    worker.stop()
    assert pipeline.served == 1


def test_the_end_of_the_process_does_not_wait_for_long(worker, pipeline):
    worker.stop(patience=SECONDS / 8)
    assert pipeline.served == 0


def test_requests_that_still_wait_are_refused(worker):
    worker.mailbox.close()
    answer = worker.ask(SegmentImage.Request())
    worker.stop(patience=0.0)
    assert answer.result(5).message == NOT_ACTIVE
