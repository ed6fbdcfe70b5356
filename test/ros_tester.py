"""A node in its own process, and a tester in this one that publishes to it and listens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

START_TIMEOUT = 60.0  # seconds, on a busy machine
SCRIPT = Path(__file__).parents[1] / 'scripts' / 'yolact_node'
RUN_NODE = f'import runpy; runpy.run_path({str(SCRIPT)!r}, run_name="__main__")'


class NodeProcess:
    """A node in its own process.

    Args:
        log: File that takes what it says.
        domain: ROS domain.
        arguments: Of ROS, such as ``-r image:=camera``.
        parameters: By name.
        environment: Changes to that of this process.
        before: Python that runs in the process first.
    """

    def __init__(
        self,
        log: Path,
        domain: int,
        arguments: tuple[str, ...] = (),
        parameters: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
        before: str = '',
    ) -> None:
        values = [
            part
            for name, value in (parameters or {}).items()
            for part in ('-p', f'{name}:={_as_yaml(value)}')
        ]
        self.domain = domain
        self._log = log
        with log.open('wb') as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    '-W',
                    'ignore',
                    '-c',
                    f'{before}\n{RUN_NODE}',
                    '--ros-args',
                    *arguments,
                    *values,
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    'ROS_DOMAIN_ID': str(domain),
                    'OMP_NUM_THREADS': '1',
                    'PYTHONUNBUFFERED': '1',
                    **(environment or {}),
                },
            )

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text()

    def wait_for(self, words: str, timeout: float = START_TIMEOUT) -> None:
        """Wait until it says something."""
        end = time.monotonic() + timeout
        while words not in self.log:
            assert self.process.poll() is None, f'the node ended:\n{self.log}'
            assert time.monotonic() < end, f'the node did not say {words!r}:\n{self.log}'
            time.sleep(0.02)

    def wait(self, timeout: float = START_TIMEOUT) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(timeout)

    def stop(self, number: int = signal.SIGINT, timeout: float = 10.0) -> int:
        """Ask it to end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Tester:
    """A node of this process: publishes images and keeps what it hears.

    Args:
        domain: ROS domain.
    """

    def __init__(self, domain: int) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node('tester', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._heard: dict[str, list[Any]] = {}
        self._publishers: dict[str, Any] = {}

    def close(self) -> None:
        """End it."""
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()

    def listen(self, topic: str, kind: type, qos: Any = 10) -> list[Any]:
        """Keep the messages of a topic, in the list that is returned."""
        if topic not in self._heard:
            heard = self._heard[topic] = []
            self.node.create_subscription(kind, topic, heard.append, qos)
            self.until(lambda: self.node.count_publishers(topic) > 0, f'{topic} has a publisher')
            self.spin(0.2)
        else:
            self.spin(0.2)  # what was sent before comes in and is forgotten
            self._heard[topic].clear()
        return self._heard[topic]

    def advertise(self, topic: str, kind: type, qos: Any = None) -> Any:
        """Return a publisher that somebody listens to: best effort unless said otherwise."""
        from rclpy.qos import QoSProfile, ReliabilityPolicy

        if topic not in self._publishers:
            qos = qos or QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            publisher = self._publishers[topic] = self.node.create_publisher(kind, topic, qos)
            self.until(lambda: publisher.get_subscription_count() > 0, f'{topic} is listened to')
            self.spin(0.2)
        return self._publishers[topic]

    def send(self, message: Any, topic: str = '/image') -> None:
        """Publish one message."""
        self.advertise(topic, type(message)).publish(message)

    def stop_sending(self, topic: str) -> None:
        """Take a publisher back."""
        self.node.destroy_publisher(self._publishers.pop(topic))

    def spin(self, seconds: float) -> None:
        """Let messages come in for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=left)

    def until(self, condition: Callable[[], Any], what: str, timeout: float = 20.0) -> Any:
        """Let messages come in until something holds, and return it."""
        end = time.monotonic() + timeout
        while not (holds := condition()):
            assert time.monotonic() < end, f'waited {timeout} s in vain until {what}'
            self.executor.spin_once(timeout_sec=0.02)
        return holds

    def ask(self, message: Any, heard: list[Any], topic: str = '/image') -> Any:
        """Publish a message, again if need be, until something is heard, and return that."""
        for _ in range(8):
            self.send(message, topic)
            end = time.monotonic() + 2.0
            while time.monotonic() < end and not heard:
                self.executor.spin_once(timeout_sec=0.02)
            if heard:
                return heard[-1]
        raise AssertionError(f'nothing was heard of 8 messages on {topic}')

    def call(self, kind: type, service: str, request: Any) -> Any:
        """Call a service and return its response."""
        client = self.node.create_client(kind, service)
        assert client.wait_for_service(20.0), f'{service} is not offered'
        future = client.call_async(request)
        self.until(future.done, f'{service} answers', timeout=20.0)
        self.node.destroy_client(client)
        return future.result()

    def change_state(self, transition: str, node: str = '/yolact') -> bool:
        """Ask a node for a transition, such as ``configure``."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        number = getattr(Transition, f'TRANSITION_{transition.upper()}')
        request = ChangeState.Request(transition=Transition(id=number))
        return bool(self.call(ChangeState, f'{node}/change_state', request).success)

    def state(self, node: str = '/yolact') -> str:
        """Return the state of a node."""
        from lifecycle_msgs.srv import GetState

        return str(
            self.call(GetState, f'{node}/get_state', GetState.Request()).current_state.label
        )

    def set_parameters(
        self,
        values: dict[str, Any],
        *,
        atomically: bool = False,
    ) -> list[Any]:
        """Ask the node to set parameters and return its answers."""
        from rcl_interfaces.srv import SetParameters, SetParametersAtomically
        from rclpy.parameter import Parameter

        parameters = [
            Parameter(
                name, Parameter.Type.STRING_ARRAY if isinstance(value, list) else None, value
            ).to_parameter_msg()
            for name, value in values.items()
        ]
        if atomically:
            request = SetParametersAtomically.Request(parameters=parameters)
            service = '/yolact/set_parameters_atomically'
            return [self.call(SetParametersAtomically, service, request).result]
        request = SetParameters.Request(parameters=parameters)
        return list(self.call(SetParameters, '/yolact/set_parameters', request).results)

    def get_parameter(self, name: str) -> Any:
        """Return the value of a parameter of the node."""
        from rcl_interfaces.srv import GetParameters
        from rclpy.parameter import parameter_value_to_python

        request = GetParameters.Request(names=[name])
        (value,) = self.call(GetParameters, '/yolact/get_parameters', request).values
        return parameter_value_to_python(value)


def _as_yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f'[{", ".join(value)}]'
    return str(value)
