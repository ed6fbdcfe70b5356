"""What is done with frames: refuse stale ones, read, find instances, publish, count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from std_msgs.msg import Header
from yolact.srv import SegmentImage

from yolact_core.errors import InputError
from yolact_ros.health.freshness import NANOSECONDS, Outcome
from yolact_ros.health.latencies import StageTimes
from yolact_ros.images.decoding import image_to_rgb
from yolact_ros.messages.builder import ros_messages
from yolact_ros.messages.outputs import make_instances, make_label_image
from yolact_ros.messages.result import Result
from yolact_ros.node.camera import Camera
from yolact_ros.node.mailbox import Frame, Input, Mailbox
from yolact_ros.node.model import Found, Model
from yolact_ros.node.settings import Settings

LOG_PERIOD = 5.0  # seconds between two complaints


class StaleError(Exception):
    """A frame is older than it may be."""


class Pipeline:
    """Turns frames into messages. Nothing that is wrong with an image gets out of here.

    Args:
        node: Node that gives the time and logs what is wrong.
        model: Model that finds the instances.
        cameras: Cameras by name.
        mailbox: Mailbox that counts what becomes of the frames.
        settings: Function that returns the current settings of the node.
    """

    def __init__(
        self,
        node: Node,
        model: Model,
        cameras: Mapping[str, Camera],
        mailbox: Mailbox,
        settings: Callable[[], Settings],
    ) -> None:
        self.batch_size = model.batch_size(settings())
        self._node = node
        self._model = model
        self._cameras = cameras
        self._mailbox = mailbox
        self._settings = settings

    @property
    def interval(self) -> float:
        """Least seconds between two frames of a camera."""
        return self._settings().interval

    def serve(self, frames: list[Frame]) -> None:
        """Publish what is found in frames of different cameras, in one pass of the network."""
        settings = self._settings()
        inputs = [one for frame in frames if (one := self._try_to_read(frame)) is not None]
        try:
            batch = self._model.find([one.rgb for one in inputs], settings)
        except Exception as error:  # whatever it is, the next frame may be better
            for one in inputs:
                self._give_up(one.frame, 'failed', error)
            return
        for one, found in zip(inputs, batch, strict=True):
            self._publish(one, found, settings)

    def answer(self, request: SegmentImage.Request) -> SegmentImage.Response:
        """Segment an image that came with a request."""
        settings = self._settings()
        try:
            rgb = image_to_rgb(request.image, settings.image_range)
            if request.score_threshold > 0:
                settings = replace(settings, score_threshold=float(request.score_threshold))
            if request.classes:
                settings = replace(settings, classes=tuple(request.classes))
            (found,) = self._model.find([rgb], settings)
            result = self._to_result(rgb, request.image.header, found, settings)
            return SegmentImage.Response(
                success=True,
                message=f'{len(found.detections)} instances',
                instances=make_instances(ros_messages, result),
                label_image=make_label_image(ros_messages, result),
            )
        except Exception as error:  # the caller gets it in words, and the worker goes on
            return refuse(describe(error))

    def read(self, frame: Frame) -> Input:
        """Return the image of a frame.

        Raises:
            StaleError: It is too old.
            InputError: It cannot be read.
        """
        camera = self._cameras[frame.camera]
        began = time.monotonic()
        message, age = camera.open(frame)
        self._refuse_stale(age, frame)
        rgb = camera.images.decode(message, self._settings().image_range)
        return Input(frame, message.header, rgb, age, time.monotonic() - began)

    def _try_to_read(self, frame: Frame) -> Input | None:
        """Return the image of a frame, or None if it is too old or cannot be read."""
        try:
            if frame.reading is None:
                one = self.read(frame)
            else:
                one = frame.reading.result()
                self._refuse_stale(one.age, frame)
        except StaleError:
            self._mailbox.finish(frame.camera, 'dropped_stale')
        except InputError as error:
            self._give_up(frame, 'unreadable', error)
        except Exception as error:  # a message may be broken in ways that nobody thought of
            self._give_up(frame, 'failed', error)
        else:
            return replace(one, wait=time.monotonic() - frame.arrival - one.decode)
        return None

    def _refuse_stale(self, age: float, frame: Frame) -> None:
        """Refuse a frame that is too old by now; without a stamp its age is unknown."""
        max_age = self._settings().max_age
        waited = (self._node.get_clock().now().nanoseconds - frame.clock) * NANOSECONDS
        if max_age and age + waited > max_age:
            raise StaleError

    def _publish(self, one: Input, found: Found, settings: Settings) -> None:
        """Publish everything about one image, and count it."""
        camera = self._cameras[one.frame.camera]
        sequence = self._mailbox.counters(camera.name).processed + 1
        result = self._to_result(one.rgb, one.header, found, settings, sequence)
        began = time.monotonic()
        try:
            tracks = camera.track(one, found.detections, settings)
            result = replace(result, tracks=tracks)
            camera.publish(result, settings)
        except Exception as error:
            self._give_up(one.frame, 'failed', error)
            return
        self._mailbox.finish(camera.name, 'processed')
        ended = time.monotonic()
        times = StageTimes.around(
            found.timing,
            age_at_receive=one.age,
            wait=one.wait,
            decode=one.decode,
            encode=ended - began,
            total=ended - one.frame.arrival,
        )
        counters = self._mailbox.counters(camera.name)
        camera.finish(replace(result, times=times, counters=counters))

    def _to_result(
        self,
        rgb: npt.NDArray[np.uint8],
        header: Header,
        found: Found,
        settings: Settings,
        sequence: int = 0,
    ) -> Result:
        return Result(
            rgb=rgb,
            header=header,
            detections=found.detections,
            sequence=sequence,
            model_id=self._model.model_id,
            palette=self._model.palette,
            prototypes=found.prototypes,
            options=settings.output_options,
        )

    def _give_up(self, frame: Frame, outcome: Outcome, error: Exception) -> None:
        """Count a frame that comes to nothing, and say why."""
        if not self._node.context.ok():
            return
        camera, reason = self._cameras[frame.camera], describe(error)
        camera.note_error(reason)
        self._mailbox.finish(frame.camera, outcome)
        self._node.get_logger().error(
            f'skipped an image of {camera.images.topic}: {reason}',
            throttle_duration_sec=LOG_PERIOD,
        )


def describe(error: Exception) -> str:
    """Return an error in one sentence."""
    text = str(error).strip().splitlines()
    if isinstance(error, InputError):
        return str(error)
    return f'{type(error).__name__}: {text[0]}' if text else type(error).__name__


def refuse(reason: str) -> SegmentImage.Response:
    """Return the answer to a request that cannot be fulfilled."""
    return SegmentImage.Response(success=False, message=reason)
