"""What is done with frames: refuse stale ones, read, find instances, publish, count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from std_msgs.msg import Header
from yolact.msg import StageTiming
from yolact.srv import SegmentImage

from yolact_core.errors import InputError
from yolact_ros.health.stamps import NANOSECONDS
from yolact_ros.health.statistics import StageTimes
from yolact_ros.images.conversions import image_to_rgb
from yolact_ros.messages import messages
from yolact_ros.messages.outputs import Result, make_instances
from yolact_ros.node.camera import Camera, stamp_of
from yolact_ros.node.mailbox import Frame, Mailbox, Outcome
from yolact_ros.node.model import Model
from yolact_ros.node.settings import Settings

LOG_PERIOD = 5.0  # seconds between two complaints


@dataclass(frozen=True)
class Input:
    """A frame that was read.

    Args:
        frame: As it came in.
        header: Of its message.
        rgb: Its image, shape (H, W, 3).
        age: When it was received, seconds; NaN without a stamp.
        decode: Seconds from message to image.
        wait: All other seconds until the worker had it.
    """

    frame: Frame
    header: Header
    rgb: npt.NDArray[np.uint8]
    age: float
    decode: float
    wait: float = 0.0


class StaleError(Exception):
    """A frame is older than it may be."""


class Pipeline:
    """Turns frames into messages. Nothing that is wrong with an image gets out of here.

    Args:
        node: Gives the time and takes the complaints.
        model: Loaded.
        cameras: By name.
        mailbox: Counts what becomes of the frames.
        settings: Returns the settings of the moment.
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
            found = self._model.find([one.rgb for one in inputs], settings)
        except Exception as error:  # whatever it is, the next frame may be better
            for one in inputs:
                self._give_up(one.frame, 'failed', error)
            return
        for position, (one, detections) in enumerate(zip(inputs, found, strict=True)):
            sequence = self._mailbox.counters(one.frame.camera).processed + 1
            self._publish(
                one,
                Result(one.rgb, one.header, detections, sequence, settings, self._model, position),
            )

    def answer(self, request: SegmentImage.Request) -> SegmentImage.Response:
        """Segment an image that came with a request."""
        settings = self._settings()
        try:
            rgb = image_to_rgb(request.image)
            if request.score_threshold > 0:
                settings = settings.replace(score_threshold=float(request.score_threshold))
            if request.classes:
                settings = settings.replace(classes=tuple(request.classes))
            (detections,) = self._model.find([rgb], settings)
            header = request.image.header
            result = Result(rgb, header, detections, 0, settings, self._model, 0)
            return SegmentImage.Response(
                success=True,
                message=f'{len(detections)} instances',
                instances=make_instances(result),
                label_image=messages.to_label_image(detections, header),
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
        message = camera.deserialize(frame.data)
        age = camera.stamps.age(stamp_of(message.header), frame.clock)
        self._refuse_stale(age, frame)
        rgb = camera.to_rgb(message)
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
        """Refuse a frame that is too old by now; without a stamp nobody knows."""
        max_age = self._settings()['max_age']
        waited = (self._node.get_clock().now().nanoseconds - frame.clock) * NANOSECONDS
        if max_age and age + waited > max_age:
            raise StaleError

    def _publish(self, one: Input, result: Result) -> None:
        """Publish everything about one image, and count it."""
        camera = self._cameras[one.frame.camera]
        began = time.monotonic()
        try:
            camera.outputs.publish(result)
        except Exception as error:
            self._give_up(one.frame, 'failed', error)
            return
        self._mailbox.finish(camera.name, 'processed')
        ended = time.monotonic()
        timing = self._model.detector.timing
        times = StageTimes(
            age_at_receive=one.age,
            wait=one.wait,
            decode=one.decode,
            preprocess=timing.preprocess,
            inference=timing.network,
            postprocess=timing.nms + timing.masks,
            encode=ended - began,
            total=ended - one.frame.arrival,
        )
        camera.latencies.add(times)
        camera.outputs.publish_timing(lambda: self._to_timing(one, times))

    def _to_timing(self, one: Input, times: StageTimes) -> StageTiming:
        return messages.to_stage_timing(
            one.header, times, self._mailbox.counters(one.frame.camera)
        )

    def _give_up(self, frame: Frame, outcome: Outcome, error: Exception) -> None:
        """Count a frame that comes to nothing, and say why."""
        if not self._node.context.ok():
            return
        camera = self._cameras[frame.camera]
        camera.last_error = describe(error)
        self._mailbox.finish(frame.camera, outcome)
        self._node.get_logger().error(
            f'skipped an image of {camera.topic}: {camera.last_error}',
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
