"""Reading the next images while a GPU works on these."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from yolact_ros.mailbox import Frame, Mailbox
from yolact_ros.pipeline import Pipeline


class ReadAhead:
    """Reads frames on a thread of its own while they wait in a mailbox.

    A frame that is replaced before its turn is not read, nor is one that most likely will be:
    where the node is paused, or takes fewer images than come. A CPU gains nothing by reading
    ahead: it would only take from the network what it gives.

    Args:
        mailbox: Where frames wait.
        pipeline: Reads them.
    """

    def __init__(self, mailbox: Mailbox, pipeline: Pipeline) -> None:
        self._mailbox = mailbox
        self._pipeline = pipeline
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='yolact reader')

    def put(self, frame: Frame) -> None:
        """Let a frame wait, and be read meanwhile."""
        if not self._mailbox.is_paused and not self._pipeline.interval:
            frame = replace(frame, reading=self._thread.submit(self._pipeline.read, frame))
        self._mailbox.put(frame)

    def stop(self) -> None:
        """Read nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
