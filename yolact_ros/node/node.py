"""The node: a lifecycle around a model, its cameras and a worker."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import closing
from functools import wraps
from typing import Any, NoReturn

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]  # so in each distribution
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool
from yolact.msg import ModelInfo
from yolact.srv import SegmentImage

from yolact_core.errors import InputError
from yolact_core.inference.options import check_classes
from yolact_core.terminal import handle_logs
from yolact_ros.health import diagnostics
from yolact_ros.node import settings
from yolact_ros.node.engine import Engine
from yolact_ros.node.pipeline import describe, refuse
from yolact_ros.node.qos import create_publisher, reliable
from yolact_ros.node.worker import NOT_ACTIVE, Awaitable

PATIENCE = 1.5  # seconds that the end waits for the images being worked on

Transition = Callable[['YolactNode'], None]
Callback = Callable[['YolactNode', LifecycleState], TransitionCallbackReturn]


class StartError(Exception):
    """The node cannot configure or activate itself; the log says why."""


def transition(change: Transition) -> Callback:
    """Make a callback of a transition: a failure is logged in one sentence, not raised."""

    @wraps(change)
    def callback(node: YolactNode, _: LifecycleState) -> TransitionCallbackReturn:
        try:
            change(node)
        except Exception as error:
            action = change.__name__.removeprefix('on_')
            node.get_logger().error(f'cannot {action}: {describe(error)}')
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    return callback


class YolactNode(LifecycleNode):
    """Publishes the instances in the images of its cameras."""

    def __init__(self) -> None:
        super().__init__('yolact')
        self._settings = settings.declare(self)
        self._engine: Engine | None = None
        self._is_enabled = True
        profile = reliable(1, latched=True)
        self._model_info = create_publisher(self, ModelInfo, '~/model_info', profile)
        profile = reliable(10)
        self._diagnostics = create_publisher(self, DiagnosticArray, '/diagnostics', profile)
        self.add_on_set_parameters_callback(self.on_parameters)
        self.create_service(SetBool, '~/enable', self.on_enable)
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

    @property
    def state(self) -> str:
        """Where in its life the node is."""
        if self._engine is None:
            return 'unconfigured'
        return 'active' if self._engine.is_running else 'inactive'

    def start(self) -> None:
        """Configure and activate the node, if it is asked to do so by itself.

        Raises:
            StartError: It cannot.
        """
        if not self._settings.autostart:
            self.get_logger().warning('waits to be configured and activated: autostart is off')
            return
        for trigger in (self.trigger_configure, self.trigger_activate):
            has_failed = trigger() is not TransitionCallbackReturn.SUCCESS
            if not self.context.ok():  # told to stop meanwhile
                return
            if has_failed:
                raise StartError('a transition failed')

    @transition
    def on_configure(self) -> None:
        """Load the model and offer the outputs."""
        self._engine = Engine(self, lambda: self._settings)
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

    def on_parameters(self, changes: list[Parameter[Any]]) -> SetParametersResult:
        """Take over new values of parameters, all or none of them."""
        try:
            changed = settings.check(
                self._settings, settings.changes_in(changes), may_configure=self._engine is None
            )
            if self._engine is not None:
                check_classes(changed.classes, self._engine.model.class_names)
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
        statuses += self._engine.check() if self._engine else ()
        now = self.get_clock().now()
        self._diagnostics.publish(diagnostics.to_message(statuses, self.get_name(), hardware, now))

    def close(self) -> None:
        """End the worker and the node."""
        if self._engine is not None:
            self._engine.stop(PATIENCE)
        self.destroy_node()

    def _require_engine(self) -> Engine:
        if self._engine is None:
            raise InputError('the node must be configured')
        return self._engine

    def _drop_engine(self) -> None:
        if self._engine is not None:
            self._engine.destroy()
            self._engine = None


class RosLog(logging.Handler):
    """Shows what the core says, such as that it measures backends, in the log of the node.

    Args:
        logger: Logger of the node.
    """

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log a message of the core; a line has one severity in ROS, hence these three."""
        if record.levelno >= logging.ERROR:
            self._logger.error(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        else:
            self._logger.info(record.getMessage())


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the node until it is told to stop; exit with 0, or with 1 if it cannot start."""
    code = 0
    try:
        rclpy.init(args=arguments)
        with closing(YolactNode()) as node, handle_logs(RosLog(node.get_logger())):
            node.start()
            rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (StartError, InputError, ParameterException) as error:
        get_logger('yolact').fatal(f'cannot start: {error}')
        code = 1
    except Exception:
        if rclpy.ok():  # else it was told to stop in the middle of a callback
            raise
    rclpy.try_shutdown()
    leave(code)


def leave(code: int) -> NoReturn:
    """End the process at once.

    Python would take more than a second to take torch apart, and would crash if the worker is
    still deep inside a slow network.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
