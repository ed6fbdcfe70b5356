"""The node: a lifecycle around a model, its cameras and a worker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # so in each distribution
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger
from yolact.msg import ModelInfo
from yolact.srv import SegmentImage

from yolact_core.errors import InputError
from yolact_ros.awaitable import Awaitable
from yolact_ros.health import diagnostics
from yolact_ros.node import settings
from yolact_ros.node.engine import Engine
from yolact_ros.node.given import GivenParameters, complain
from yolact_ros.node.pipeline import describe, refuse
from yolact_ros.node.qos import create_publisher, reliable
from yolact_ros.node.worker import NOT_ACTIVE

PATIENCE = 1.5  # seconds that the end waits for the images being worked on

Transition = Callable[['YolactNode'], None]
Callback = Callable[['YolactNode', LifecycleState], TransitionCallbackReturn]


def transition(change: Transition) -> Callback:
    """Make a callback of a transition: a failure is logged in one sentence, not raised."""

    @wraps(change)
    def callback(node: YolactNode, _: LifecycleState) -> TransitionCallbackReturn:
        try:
            change(node)
        except Exception as error:
            if node.context.ok():  # else the process is told to end, which fails what it does
                action = change.__name__.removeprefix('on_')
                node.get_logger().error(f'cannot {action}: {describe(error)}')
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    return callback


class YolactNode(LifecycleNode):
    """Publishes the instances in the images of its cameras.

    Args:
        words: Words of the command line, which ROS has accepted.

    Raises:
        InputError: A parameter that was given is not as it must be.
    """

    def __init__(self, words: Sequence[str] = ()) -> None:
        super().__init__('yolact')
        self._given = GivenParameters(self, words)
        self._settings = settings.declare(self, self._given.values)
        self._engine: Engine | None = None
        self._track_numbers = itertools.count(1)  # none comes back while the node lives
        self._is_enabled = True
        profile = reliable(1, latched=True)
        self._model_info = create_publisher(self, ModelInfo, '~/model_info', profile)
        profile = reliable(10)
        self._diagnostics = create_publisher(self, DiagnosticArray, '/diagnostics', profile)
        self.add_on_set_parameters_callback(self.on_parameters)
        self.create_service(SetBool, '~/enable', self.on_enable)
        self.create_service(Trigger, '~/reset_tracker', self.on_reset_tracker)
        self.create_service(
            SegmentImage,
            '~/segment_image',
            self.on_segment_image,
            callback_group=ReentrantCallbackGroup(),  # others go on while it waits
        )
        self._answered = self.create_guard_condition(lambda: None)
        self.create_timer(
            self._settings.diagnostics_period,
            self.on_diagnostics_timer,
            clock=Clock(clock_type=ClockType.STEADY_TIME),  # also while /clock stands still
        )

        self._complaints: list[str] = []
        self._warn_of_parameters()

    @property
    def state(self) -> str:
        """Where in its life the node is."""
        if self._engine is None:
            return 'unconfigured'
        return 'active' if self._engine.is_running else 'inactive'

    def start(self) -> bool:
        """Configure and activate the node, if it is asked to do so by itself.

        Returns:
            Whether that went well; else the log says why.
        """
        if not self._settings.autostart:
            self.get_logger().warning('waits to be configured and activated: autostart is off')
            return True
        return all(
            trigger() is TransitionCallbackReturn.SUCCESS
            for trigger in (self.trigger_configure, self.trigger_activate)
        )

    @transition
    def on_configure(self) -> None:
        """Load the model and offer the outputs."""
        self._engine = Engine(self, lambda: self._settings, self._track_numbers)
        self._model_info.publish(self._engine.model_info())
        model = self._engine.model
        self.get_logger().info(
            f'loaded {self._settings.model.name}: {model.model_id}, '
            f'{len(model.class_names)} classes, {model.device}'
        )

    @transition
    def on_activate(self) -> None:
        """Listen to the cameras and work."""
        engine = self._require_engine()
        engine.start(is_paused=not self._is_enabled)
        topics = ', '.join(camera.images.topic for camera in engine.cameras.values())
        self.get_logger().info(f'listens to {topics}')
        self._warn_of_parameters()

    @transition
    def on_deactivate(self) -> None:
        """Stop listening and working; the model stays loaded."""
        self._require_engine().stop()

    @transition
    def on_cleanup(self) -> None:
        """Drop the model and the outputs."""
        self._drop_engine()

    @transition
    def on_shutdown(self) -> None:
        """Stop for good."""
        self._drop_engine()

    @transition
    def on_error(self) -> None:
        """Begin anew after whatever went wrong."""
        self._drop_engine()

    def set_parameters_atomically(self, changes: list[Parameter[Any]]) -> SetParametersResult:
        """Set parameters, or name one that does not exist, which rclpy leaves out."""
        for change in changes:
            if not self.has_parameter(change.name):
                reason = complain(change.name, settings.ROWS)
                return SetParametersResult(successful=False, reason=reason)
        return super().set_parameters_atomically(changes)

    def on_parameters(self, changes: list[Parameter[Any]]) -> SetParametersResult:
        """Take over new values of parameters, all or none of them."""
        try:
            changed = settings.check(
                self._settings, settings.changes_in(changes), may_configure=self._engine is None
            )
            if self._engine is not None:
                self._engine.check_classes(changed)
        except InputError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = changed
        if self._engine is not None:
            self._engine.take_over_settings()
        return SetParametersResult(successful=True)

    def on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Work, or pause and stay active."""
        self._is_enabled = request.data
        if self._engine is not None:
            self._engine.pause(not request.data)
        response.success = True
        response.message = 'enabled' if request.data else 'paused'
        return response

    def on_reset_tracker(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Let all instances have new tracks from the next image on."""
        response.success = self._engine is not None
        response.message = 'tracks begin anew' if self._engine else NOT_ACTIVE
        if self._engine is not None:
            self._engine.forget_tracks()
        return response

    async def on_segment_image(
        self, request: SegmentImage.Request, _: SegmentImage.Response
    ) -> SegmentImage.Response:
        """Let the worker segment the image of a request."""
        answer = self._engine.ask(request) if self._engine is not None else None
        if answer is None:
            return refuse(NOT_ACTIVE)
        return await Awaitable(answer, self._answered.trigger)

    def on_diagnostics_timer(self) -> None:
        """Publish how the node is."""
        hardware = self._engine.model.device if self._engine else 'none'
        statuses = [('', diagnostics.check_state(self.state, is_enabled=self._is_enabled))]
        statuses += [('', diagnostics.check_parameters(self._complaints))]
        statuses += self._engine.check() if self._engine else ()
        now = self.get_clock().now()
        statuses.append(('', self._check_peers(has_time=now.nanoseconds > 0)))
        self._diagnostics.publish(diagnostics.to_message(statuses, self.get_name(), hardware, now))

    def close(self) -> None:
        """End the worker and the node."""
        if self._engine is not None:
            self._engine.stop(PATIENCE)
        self.destroy_node()

    def _check_peers(self, *, has_time: bool) -> diagnostics.Status:
        own = (self.get_name(), self.get_namespace())
        namesakes = self.get_node_names_and_namespaces().count(own) - 1
        return diagnostics.check_peers(
            self.get_fully_qualified_name(), namesakes, has_time=has_time
        )

    def _warn_of_parameters(self) -> None:
        """Log what was given in vain, as far as that is not said yet."""
        before = self._complaints
        has_topics = self.state == 'active'
        self._complaints = self._given.complaints(settings.ROWS, has_topics=has_topics)
        for complaint in self._complaints:
            if complaint not in before:
                self.get_logger().warning(complaint)

    def _require_engine(self) -> Engine:
        if self._engine is None:
            raise InputError('the node must be configured')
        return self._engine

    def _drop_engine(self) -> None:
        if self._engine is not None:
            self._engine.destroy()
            self._engine = None
