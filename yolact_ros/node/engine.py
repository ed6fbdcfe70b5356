"""The engine: a model, its cameras, and the worker between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace

from rclpy.node import Node
from std_msgs.msg import Header
from yolact.msg import ModelInfo
from yolact.srv import SegmentImage

from yolact_ros.health import diagnostics
from yolact_ros.health.diagnostics import Fate, Status
from yolact_ros.messages import messages
from yolact_ros.node.camera import Camera
from yolact_ros.node.mailbox import Mailbox
from yolact_ros.node.model import Model
from yolact_ros.node.pipeline import Pipeline
from yolact_ros.node.read_ahead import ReadAhead
from yolact_ros.node.settings import Settings
from yolact_ros.node.worker import Worker


class Engine:
    """Everything that exists while a node is configured, and works while it is active.

    Args:
        node: That it belongs to.
        settings: Returns the settings of the moment.

    Raises:
        InputError: The model cannot be loaded.
    """

    def __init__(self, node: Node, settings: Callable[[], Settings]) -> None:
        self.model = Model.load(settings())
        self.loaded = Header(stamp=node.get_clock().now().to_msg())
        self.cameras = {name: Camera(node, name, settings()) for name in settings().cameras}
        for camera in self.cameras.values():
            camera.outputs.publish_label_info(self.model, self.loaded)
        self._node = node
        self._settings = settings
        self._worker: Worker | None = None
        self._ahead: ReadAhead | None = None
        self._fates: dict[str, Fate] = {}

    @property
    def is_running(self) -> bool:
        """Whether it listens and works."""
        return self._worker is not None

    def start(self, *, is_paused: bool) -> None:
        """Listen to the cameras and work."""
        mailbox = Mailbox(list(self.cameras))
        mailbox.pause(is_paused)
        pipeline = Pipeline(self._node, self.model, self.cameras, mailbox, self._settings)
        self._worker = Worker(mailbox, pipeline)
        self._worker.start()
        put = mailbox.put
        if not self.model.runs_on_cpu:
            self._ahead = ReadAhead(mailbox, pipeline)
            put = self._ahead.put
        try:
            for camera in self.cameras.values():
                camera.subscribe(put)
        except Exception:
            self.stop()
            raise

    def stop(self, patience: float | None = None) -> None:
        """Stop listening and working.

        Args:
            patience: Seconds to wait for the images being worked on; None until they are done.
        """
        for camera in self.cameras.values():
            camera.unsubscribe()
        if self._worker is not None:
            self._worker.stop(patience)
            self._worker = None
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def destroy(self) -> None:
        """Stop, and take the outputs back."""
        self.stop()
        for camera in self.cameras.values():
            camera.destroy()

    def pause(self, is_paused: bool) -> None:
        """Leave images alone until further notice, or go on."""
        if self._worker is not None:
            self._worker.mailbox.pause(is_paused)

    def take_over_settings(self) -> None:
        """Let settings that have changed count for images that wait already."""
        if self._worker is not None:
            self._worker.mailbox.wake()

    def ask(self, request: SegmentImage.Request) -> Future[SegmentImage.Response] | None:
        """Let an image be segmented; None while nobody works."""
        return self._worker.ask(request) if self._worker is not None else None

    def model_info(self) -> ModelInfo:
        """Return what makes the detections."""
        return messages.to_model_info(
            self.model.detector.config,
            self.loaded,
            model_id=self.model.model_id,
            backend=self.model.backend,
            device=self.model.device,
            precision=self.model.precision,
        )

    def check(self) -> Iterator[tuple[str, Status]]:
        """Return how it is, and each camera, with the camera's name."""
        yield '', diagnostics.check_model(self.model)
        yield '', diagnostics.check_memory(self.model.device)
        for name, camera in self.cameras.items():
            yield name, diagnostics.check_outputs(camera.outputs.incompatible)
            yield name, diagnostics.check_latency(camera.latencies.summarize())
            if self._worker is not None:
                seen = camera.observe(self._settings()['silence_timeout'])
                yield name, diagnostics.check_input(seen)
                yield name, self._check_freshness(camera, self._worker.mailbox)

    def _check_freshness(self, camera: Camera, mailbox: Mailbox) -> Status:
        """Compare what became of a camera's images with what it was at the last report."""
        counters = mailbox.counters(camera.name)
        fate = Fate(counters, replace(camera.stamps), camera.last_error)
        before = self._fates.get(camera.name, Fate())
        self._fates[camera.name] = fate
        return diagnostics.check_freshness(fate, before, self._settings()['max_age'])
