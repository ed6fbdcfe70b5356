"""Reading the next images while a GPU works on these."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from yolact_ros.node.mailbox import Frame, Mailbox
from yolact_ros.node.pipeline import Pipeline


class ReadAhead:
    """Reads frames on a thread of its own while they wait in a mailbox.

    While this thread reads a frame the newest waits for it, and those between are not read. None
    is read ahead while the node is paused or takes images at a lower rate than it could. What
    is read and then replaced by a newer frame is work in vain: that of a core which a GPU leaves
    idle, where a network on the CPU would miss it.

    Args:
        mailbox: Mailbox in which the frames wait.
        pipeline: Pipeline that reads them.
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
