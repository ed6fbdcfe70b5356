"""The service that returns the objects of one moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from yolact.srv import GetObjects

from yolact_core.errors import InputError
from yolact_core.inference.options import check_classes
from yolact_ros.awaitable import Awaitable
from yolact_ros.health.freshness import NANOSECONDS
from yolact_ros.messages.builder import ros_messages
from yolact_ros.messages.result import Result
from yolact_ros.messages.stamps import stamp_of
from yolact_ros.node.depth.depth import DepthInput
from yolact_ros.node.objects.results import Results
from yolact_ros.node.objects.selection import Selection

HOLD = 10.0  # seconds after a request that depth stays subscribed: the next one comes soon


class ObjectService:
    """Answers requests from the newest result or the next. The executor goes on meanwhile.

    Args:
        node: Node that offers the service.
        prefix: Beginning of the name of the service.
        depth: Depth of the camera.
        subscribe: Function that subscribes what is needed by now.

    Attributes:
        results: Results to answer from.
    """

    def __init__(
        self,
        node: Node,
        prefix: str,
        depth: DepthInput,
        subscribe: Callable[[], None],
    ) -> None:
        self.results = Results()
        self._node = node
        self._depth = depth
        self._subscribe = subscribe
        self._until = 0.0  # by ``time.monotonic``: depth is needed
        self._answered = node.create_guard_condition(lambda: None)
        self._service = node.create_service(
            GetObjects,
            f'{prefix}get_objects',
            self.on_request,
            callback_group=ReentrantCallbackGroup(),  # others go on while one waits
        )

    @property
    def needs_depth(self) -> bool:
        """Whether somebody has asked for objects just now."""
        return time.monotonic() < self._until

    def destroy(self) -> None:
        """Offer it no longer, as soon as the requests that wait are refused."""
        self.results.stop()
        if (executor := self._node.executor) is None:
            self._remove()
        else:  # which first resumes the coroutines that wait
            executor.create_task(self._remove)

    async def on_request(
        self, request: GetObjects.Request, _: GetObjects.Response
    ) -> GetObjects.Response:
        """Return the objects of one moment."""
        try:
            self._ask_for_depth()
            result = self._find_newest(request.max_age) or await self._wait()
            check_classes(request.class_names, result.detections.all_class_names)
            selection = Selection(tuple(request.class_names), tuple(request.ids))
            instances, objects, points = selection.to_messages(ros_messages, result)
            return GetObjects.Response(
                success=True,
                message=_describe(len(instances.instances), len(objects.objects), result),
                instances=instances,
                objects=objects,
                points=points,
            )
        except Exception as error:  # the caller gets it in words, and the node goes on
            return GetObjects.Response(success=False, message=_explain(error))

    def _ask_for_depth(self) -> None:
        if self.results.is_running:
            self._until = time.monotonic() + HOLD
            self._subscribe()

    def _find_newest(self, max_age: float) -> Result | None:
        """Return the newest result, if it is as a request wants it."""
        result = self.results.newest
        if result is None or (result.space is None and self._depth.has_publisher):
            return None
        age = (self._node.get_clock().now().nanoseconds - stamp_of(result.header)) * NANOSECONDS
        return result if max_age > 0 and abs(age) <= max_age else None

    async def _wait(self) -> Result:
        """Return the next result, with depth if that comes.

        Raises:
            InputError: There is none in time.
        """
        answer: Future[Result] = self.results.wait(has_depth=self._depth.has_publisher)
        return await Awaitable(answer, self._answered.trigger)

    def _remove(self) -> None:
        self._node.destroy_service(self._service)
        self._node.destroy_guard_condition(self._answered)


def _describe(instances: int, objects: int, result: Result) -> str:
    depth = '' if result.space else '; no depth belongs to the image, /diagnostics tells why'
    return f'{instances} instances, {objects} of them in space{depth}'


def _explain(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f'{type(error).__name__}: {error}'
