"""The worker: one thread that hands the newest frames of all cameras to the pipeline."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress

from yolact.srv import SegmentImage

from yolact_ros.node.mailbox import Frame, Mailbox
from yolact_ros.node.pipeline import Pipeline, refuse

NOT_ACTIVE = 'the node must be active to segment images'


class Worker:
    """Works from ``start`` to ``stop``.

    Args:
        mailbox: Mailbox in which the frames wait.
        pipeline: Pipeline that is given the frames and the requests.
    """

    def __init__(self, mailbox: Mailbox, pipeline: Pipeline) -> None:
        self.mailbox = mailbox
        self._pipeline = pipeline
        self._requests: queue.SimpleQueue[
            tuple[SegmentImage.Request, Future[SegmentImage.Response]]
        ] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name='yolact worker', daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, patience: float | None = None) -> None:
        """Stop after the images being worked on, and refuse the requests that still wait.

        Args:
            patience: Seconds to wait for these images; None until they are done, before which no
                other worker may use the model.
        """
        self.mailbox.close()
        self._thread.join(patience)
        for _, answer in self._waiting_requests():
            answer.set_result(refuse(NOT_ACTIVE))

    def ask(self, request: SegmentImage.Request) -> Future[SegmentImage.Response]:
        """Let an image be segmented before the next frames are taken."""
        answer: Future[SegmentImage.Response] = Future()
        self._requests.put((request, answer))
        self.mailbox.wake()
        return answer

    def _run(self) -> None:
        while (frames := self._take()) is not None:
            self._pipeline.serve(frames)
            for request, answer in self._waiting_requests():
                answer.set_result(self._pipeline.answer(request))

    def _waiting_requests(
        self,
    ) -> Iterator[tuple[SegmentImage.Request, Future[SegmentImage.Response]]]:
        with suppress(queue.Empty):
            while True:
                yield self._requests.get_nowait()

    def _take(self) -> list[Frame] | None:
        return self.mailbox.take(self._pipeline.batch_size, self._pipeline.interval)
