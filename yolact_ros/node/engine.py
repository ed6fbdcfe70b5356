"""The engine: a model, its cameras, and the worker between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from rclpy.node import Node
from std_msgs.msg import Header
from yolact.msg import ModelInfo
from yolact.srv import SegmentImage

from yolact_core.errors import InputError
from yolact_core.inference.options import check_classes
from yolact_ros.health import diagnostics
from yolact_ros.health.diagnostics import Status
from yolact_ros.messages.builder import ros_messages
from yolact_ros.node.camera import Camera
from yolact_ros.node.depth.transforms import Transforms
from yolact_ros.node.mailbox import Mailbox
from yolact_ros.node.model import Model
from yolact_ros.node.pipeline import Pipeline
from yolact_ros.node.read_ahead import ReadAhead
from yolact_ros.node.settings import Settings
from yolact_ros.node.worker import Worker


class Engine:
    """Everything that exists while a node is configured, and works while it is active.

    Args:
        node: Node that it belongs to.
        settings: Function that returns the current settings of the node.
        numbers: Numbers of new tracks.

    Raises:
        InputError: The model cannot be loaded, or topics are remapped to each other.
    """

    def __init__(
        self, node: Node, settings: Callable[[], Settings], numbers: Iterator[int]
    ) -> None:
        self.model = Model.load(settings())
        self.check_classes(settings())
        self.loaded = Header(stamp=node.get_clock().now().to_msg())
        names = settings().camera_names
        self._transforms = Transforms(node)
        self.cameras = {
            name: Camera(node, name, settings(), numbers, self._transforms) for name in names
        }
        self._node = node
        self._settings = settings
        self._publish_label_info()
        self._worker: Worker | None = None
        self._ahead: ReadAhead | None = None
        try:
            self._refuse_shared_topics()
        except InputError:
            self.destroy()
            raise

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
        self._listen_to_transforms()
        put = mailbox.put
        if not self.model.runs_on_cpu:
            self._ahead = ReadAhead(mailbox, pipeline)
            put = self._ahead.put
        try:
            for camera in self.cameras.values():
                camera.start(put)
        except Exception:
            self.stop()
            raise

    def stop(self, patience: float | None = None) -> None:
        """Stop listening and working.

        Args:
            patience: Seconds to wait for the images being worked on; None until they are done.
        """
        for camera in self.cameras.values():
            camera.stop()
        self._transforms.switch(is_on=False)
        if self._worker is not None:
            self._worker.stop(patience)
            self._worker = None
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None

    def destroy(self) -> None:
        """Stop, and remove the outputs."""
        self.stop()
        for camera in self.cameras.values():
            camera.destroy()

    def pause(self, is_paused: bool) -> None:
        """Leave images alone until further notice, or go on."""
        if self._worker is not None:
            self._worker.mailbox.pause(is_paused)

    def forget_tracks(self) -> None:
        """Follow instances anew from the next image of each camera."""
        for camera in self.cameras.values():
            camera.forget_tracks()

    def take_over_settings(self) -> None:
        """Let settings that have changed count for images that wait already."""
        self._publish_label_info()
        if self._worker is not None:
            self._listen_to_transforms()
            self._worker.mailbox.wake()

    def check_classes(self, settings: Settings) -> None:
        """Refuse classes that the model does not know.

        Those that are taken out of depth may be unknown: their default must fit every model.

        Raises:
            InputError: One of them is unknown.
        """
        check_classes(settings.classes, self.model.class_names)
        check_classes(settings.nav.classes, self.model.class_names, 'nav.classes')

    def ask(self, request: SegmentImage.Request) -> Future[SegmentImage.Response] | None:
        """Let an image be segmented; None while nobody works."""
        return self._worker.ask(request) if self._worker is not None else None

    def model_info(self) -> ModelInfo:
        """Return which model makes the detections."""
        return ros_messages.to_model_info(
            self.model.detector.config,
            self.loaded,
            model_id=self.model.model_id,
            backend=self.model.backend,
            device=self.model.device,
            precision=self.model.precision,
        )

    def check(self) -> Iterator[tuple[str, Status]]:
        """Report how the model and each camera are, with the name of the camera or empty."""
        model, settings = self.model, self._settings()
        yield '', diagnostics.check_model(model.detector.config, model.model_id, model.device)
        yield '', diagnostics.check_memory(model.device)
        for name, camera in self.cameras.items():
            counters = self._worker.mailbox.counters(name) if self._worker else None
            for status in camera.check(counters, settings):
                yield name, status

    def _listen_to_transforms(self) -> None:
        self._transforms.switch(is_on=bool(self._settings().depth.target_frame))

    def _publish_label_info(self) -> None:
        for camera in self.cameras.values():
            camera.label_info.publish(self.model.class_names, self._settings(), self.loaded)

    def _refuse_shared_topics(self) -> None:
        """Refuse remappings that mix outputs, or that feed the node with what it draws.

        Raises:
            InputError: There is such a remapping.
        """
        topics = Counter(one.topic_name for one in self._node.publishers)
        topics.update({camera.images.topic for camera in self.cameras.values()})
        topics.update({camera.depth.topic for camera in self.cameras.values()})
        if shared := [topic for topic, count in topics.items() if count > 1]:
            raise InputError(
                'images, depth and each output must have a topic of their own, but remappings '
                f'give several of them {", ".join(shared)}'
            )
