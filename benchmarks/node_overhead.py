"""What the node costs beside the network: two processes, 30 images of 1280x720 a second.

Run with ``make bench``. The network is replaced by one that always sees the same objects, by
default twenty; all around it is the real node, and the figures are those that it publishes itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from nodes import (
    HEIGHT,
    OBJECTS,
    WARM_UP,
    WIDTH,
    camera_before,
    make_image,
    make_scene,
    ros_of_its_own,
    run_node,
    save_model,
)
from sensor_msgs.msg import CompressedImage, Image
from yolact.msg import InstanceArray, StageTiming

RATE = 30
LIMITS = {  # milliseconds, by the number of objects and what is listened to
    (20, 'without overlay'): 8,
    (20, 'with overlay'): 14,
    (8, 'without overlay'): 6,
    (8, 'with overlay'): 10,
}
RUNS: dict[str, tuple[dict[str, type], float]] = {  # what is listened to, and overlay.scale
    'without overlay': ({}, 1.0),
    'with overlay': ({'overlay': Image}, 1.0),
    'with jpeg overlay': ({'overlay/compressed': CompressedImage}, 1.0),
    'with jpeg, half': ({'overlay/compressed': CompressedImage}, 0.5),
}


@dataclass
class Run:
    """What was heard of a node after it had warmed up.

    Args:
        sent: Number of images that were published.
        received: Number of these images that the node received.
        cpu: Seconds that all threads of the node worked meanwhile.
        timings: Timings of the images that it processed.
        found: Instances that it found in them.
    """

    sent: int
    received: int
    cpu: float
    timings: list[StageTiming]
    found: list[InstanceArray]

    @property
    def overhead(self) -> float:
        """Median milliseconds from callback to published message, without the network."""
        return 1000 * statistics.median(one.total - one.inference for one in self.timings)


def measure(command: list[str], also: dict[str, type], seconds: int, scale: float = 1.0) -> Run:
    """Send images to a fresh node, listen to it, and return what was heard.

    Args:
        command: Command that starts the node.
        also: Types of the topics besides the instances that somebody listens to, by name.
        seconds: Seconds for which images are sent.
        scale: Scale of the overlay.
    """
    found: list[InstanceArray] = []
    heard: dict[str, tuple[type, Callable[[Any], None]]] = {
        'instances': (InstanceArray, found.append),
        **{topic: (kind, lambda _: None) for topic, kind in also.items()},
    }
    image = make_image()
    with camera_before([*command, '--scale', str(scale)], heard=heard) as camera:
        camera.spin(1.0)
        camera.play(repeat(image, WARM_UP * RATE), RATE)
        camera.spin(1.0)
        if not camera.timings:
            sys.exit('the node does not answer in time: the machine is too busy')
        before = camera.timings[-1].received
        camera.timings.clear()
        cpu = cpu_seconds(camera.process)
        camera.play(repeat(image, seconds * RATE), RATE)
        camera.spin(1.0)
        cpu = cpu_seconds(camera.process) - cpu
    received = camera.timings[-1].received - before
    return Run(seconds * RATE, received, cpu, camera.timings, found)


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return how long all threads of a process have worked."""
    fields = Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def report(runs: dict[str, Run], objects: int) -> None:
    """Print the table."""
    stages = ('wait', 'decode', 'preprocess', 'postprocess', 'encode')
    print(f'{WIDTH}x{HEIGHT}, {RATE} Hz best effort, {objects} instances, two processes')
    print(f'{"ms, median":18}' + ''.join(f'{name:>12}' for name in (*stages, 'overhead', 'goal')))
    for name, run in runs.items():
        medians = [
            1000 * statistics.median(getattr(one, stage) for one in run.timings)
            for stage in stages
        ]
        cells = ''.join(f'{value:12.2f}' for value in (*medians, run.overhead))
        limit = LIMITS.get((objects, name))
        goal = f'< {limit}' if limit else ''
        print(f'{name:18}{cells}{goal:>12}')
    for name, run in runs.items():
        work = 1000 * run.cpu / len(run.timings)
        print(
            f'{name:18}{run.sent} sent, {run.sent - run.received} lost in transport, '
            f'{len(run.timings)} processed, each with {work:.1f} ms of CPU time'
        )
    found = next(iter(runs.values())).found[-1]
    masks = sum(4 * len(one.mask.rle) + len(one.mask.data) for one in found.instances)
    dense = len(found.instances) * HEIGHT * WIDTH
    print(
        f'masks of {len(found.instances)} instances: {masks / 1000:.1f} kB, as mono8 images '
        f'{dense / 1000:.0f} kB: 1/{dense / masks:.0f} (goal: under 1/200)'
    )


def main(options: argparse.Namespace) -> None:
    """Measure without and with somebody who listens to the overlay."""
    runs = {}
    with ros_of_its_own(), tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, '--node', str(save_model(Path(folder)))]
        command += ['--instances', str(options.instances)]
        for name, (also, scale) in RUNS.items():
            if options.only in (None, name):
                runs[name] = measure(command, also, options.seconds, scale)
    report(runs, options.instances)


def be_the_node(options: argparse.Namespace) -> None:
    """Run the node, with a network that sees so many objects."""
    batch = make_scene(Path(options.node), options.instances)
    parameters = {
        'model.name': options.node,
        'score_threshold': 0.3,
        'max_detections': options.instances,
        'overlay.scale': options.scale,
    }
    run_node(lambda _, __: batch, parameters)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--instances', type=int, default=OBJECTS)
    parser.add_argument('--seconds', type=int, default=10, help='of each run')
    parser.add_argument('--only', choices=RUNS, help='the one run to make')
    parser.add_argument('--node', help=argparse.SUPPRESS)
    parser.add_argument('--scale', type=float, default=1.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    be_the_node(given) if given.node else main(given)
