"""The node that publishes a recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from yolact_core.errors import InputError
from yolact_ros.bag.io.bag import NS_PER_S
from yolact_ros.player.calibration import Camera
from yolact_ros.player.options import Options
from yolact_ros.player.recording import RecordedMessage, RecordedTopic, Recording
from yolact_ros.player.routing import ImageRoute, Outgoing, make_routes
from yolact_ros.player.timing import Mark, Pace, Restamper, SimulatedClock, Tally

NODE_NAME = 'yolact_player'
LONGEST_REST = 0.05  # seconds until a signal is seen
MATCHING = 0.3  # seconds until a subscriber that is seen here sees this node too
LAST_DELIVERY = 0.3  # seconds that the last messages have to arrive


class PlayerNode(Node):
    """Publishes recorded messages.

    Args:
        topics: Topics of the recording.
        options: How to publish it.
        camera: What is said about the camera.
        is_stopped: Function that returns whether to end.

    Attributes:
        tallies: What was published, by the name of each topic of images.

    Raises:
        InputError: A camera was asked for, but there is not one topic of images.
    """

    def __init__(
        self,
        topics: Sequence[RecordedTopic],
        options: Options,
        camera: Camera,
        is_stopped: Callable[[], bool],
    ) -> None:
        super().__init__(NODE_NAME)
        self._own_executor = SingleThreadedExecutor()
        self._own_executor.add_node(self)
        self.tallies: dict[str, Tally] = {}
        self._options = options
        self._is_stopped = is_stopped
        self._restamper = Restamper()
        self._routes = make_routes(self, topics, options, camera)
        self._pace = Pace(options.speed, self.rest)
        self._simulated_time: SimulatedClock | None = None
        if (rate := options.messages.clock) is not None:
            self._simulated_time = SimulatedClock(self, rate, self._pace)

    def destroy_node(self) -> None:
        """Destroy the executor too, while ROS is still there."""
        self._own_executor.shutdown()
        super().destroy_node()

    def wait_for_subscribers(self, timeout: float) -> None:
        """Wait until each topic of images has a subscriber, or until time is up.

        Args:
            timeout: Seconds.
        """
        publishers = [
            route.publisher for route in self._routes.values() if isinstance(route, ImageRoute)
        ]
        deadline = time.monotonic() + timeout
        while unheard := [each for each in publishers if not each.get_subscription_count()]:
            if time.monotonic() > deadline or not self.rest(LONGEST_REST):
                break
        if unheard and timeout and not self._is_stopped():
            names = ', '.join(each.topic_name for each in unheard)
            self.get_logger().warning(f'nobody subscribed {names} within {timeout:g} s')
        elif timeout:
            self._rest_for(MATCHING)

    def play(self, recording: Recording) -> None:
        """Publish a recording to its end, or until stopped.

        Args:
            recording: Recording with the topics that this node was made for.

        Raises:
            InputError: There is nothing in it that can be published.
        """
        begin = 0
        while self._play_round(recording, begin) and self._options.loop:
            begin += recording.length
            self._restamper.forget()
        if not self._is_stopped():
            self._deliver()

    def rest(self, seconds: float) -> bool:
        """Answer requests for at most so long, and return whether to go on."""
        self._own_executor.spin_once(timeout_sec=min(seconds, LONGEST_REST))
        return not self._is_stopped()

    def _rest_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self.rest(left):
            pass

    def _play_round(self, recording: Recording, begin: int) -> bool:
        """Publish a recording once and return whether to go on."""
        published = 0
        for entry in recording.entries():
            messages = self._prepare(entry)
            if not messages:
                continue
            position = begin + entry.position
            if self._simulated_time is not None:
                self._simulated_time.approach(Mark(position, entry.time, entry.is_behind_gap))
            if self._is_over(position) or not self._pace.wait_for(position):
                return False
            self._publish(entry, messages, self._pace.position - position)
            published += 1
        if not published:
            raise InputError('source must hold at least one message that can be published')
        return True

    def _is_over(self, position: int) -> bool:
        duration = self._options.duration
        return duration is not None and position >= duration * NS_PER_S

    def _prepare(self, entry: RecordedMessage) -> list[Outgoing]:
        """Do beforehand what takes time."""
        route = self._routes.get(entry.topic)
        if route is None:
            return []
        try:
            return route.prepare(entry.message)
        except InputError as error:
            self.get_logger().warning(f'left out an image of {entry.topic}: {error}')
            return []

    def _publish(self, entry: RecordedMessage, messages: list[Outgoing], late: int) -> None:
        if self._simulated_time is not None:
            self._simulated_time.arrive()
        if not self._options.keeps_stamps:
            now = time.time_ns() if self._simulated_time is None else entry.time
            self._restamper.restamp(messages[0].message, now)
        for publisher, message in messages:
            publisher.publish(message)
        if isinstance(self._routes[entry.topic], ImageRoute):
            name = messages[0].publisher.topic_name
            self.tallies.setdefault(name, Tally()).add(time.monotonic_ns(), late)

    def _deliver(self) -> None:
        """Give the last messages time to arrive."""
        for route in self._routes.values():
            route.publisher.wait_for_all_acked(Duration(seconds=LAST_DELIVERY))
        time.sleep(LAST_DELIVERY)
