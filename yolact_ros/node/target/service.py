"""The service that says which object is followed."""

from __future__ import annotations

from rclpy.node import Node
from yolact.srv import SetTarget

from yolact_core.errors import InputError
from yolact_ros.health.diagnostics import Status
from yolact_ros.messages.result import Result
from yolact_ros.node.target.target import Target, Wish


class TargetService:
    """Lets a camera follow the object that is asked for.

    Args:
        node: Node that offers the service and logs what became of the target.
        prefix: Beginning of the name of the service.
    """

    def __init__(self, node: Node, prefix: str) -> None:
        self._node = node
        self._target = Target(node.get_logger().info)
        self._service = node.create_service(SetTarget, f'{prefix}set_target', self.on_request)

    def destroy(self) -> None:
        """Offer the service no longer."""
        self._node.destroy_service(self._service)

    def find(self, result: Result, max_lost: float) -> int | None:
        """Return which detection of an image is the target; None where it is not seen.

        Args:
            result: The next image.
            max_lost: Seconds out of sight after which its track has ended.
        """
        return self._target.find(result, max_lost)

    def check(self) -> Status:
        """Report how the target is."""
        return self._target.check()

    def on_request(
        self, request: SetTarget.Request, response: SetTarget.Response
    ) -> SetTarget.Response:
        """Follow another object from now on, or none."""
        wish = None if request.clear else Wish(request.class_name, request.id)
        try:
            response.id = self._target.choose(wish)
        except InputError as error:
            response.message = str(error)
            return response
        response.success = request.clear or bool(response.id)
        response.message = (
            'no target any longer'
            if request.clear
            else f'target {response.id} is seen'
            if response.id
            else 'no such object is seen now: the first that fits will be the target'
        )
        return response
