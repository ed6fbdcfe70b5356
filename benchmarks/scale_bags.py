"""What ``yolact bag run`` takes on one core and on two, in one process and in several."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from yolact_core.media.image_files import find_images, read_image
from yolact_ros.bag.io.writer import BagWriter
from yolact_ros.images.decoding import JPEG_FORMAT, encode_jpeg
from yolact_ros.messages.builder import bag_messages
from yolact_ros.messages.types import COMPRESSED_IMAGE

PICTURES = Path(__file__).parents[1] / 'test' / 'data' / 'real_rooms'
SIZE, RATE, QUALITY = (1280, 720), 30, 90
SHORT, LONG = 1, 5  # seconds of the bag that are run if all images are taken
PART = 30  # images
DISTINCT = 60  # images
TOPIC = '/camera/image/compressed'
START = 1_700_000_000_000_000_000
COMMAND = 'from yolact_core.cli import main; import sys; sys.exit(main())'
SAMPLE = 0.05  # seconds between two looks at the memory
PROC = Path('/proc')


@dataclass(frozen=True)
class Case:
    """A way to run a bag.

    Args:
        name: Name in the table.
        cores: Number of cores that it may use.
        words: Words of the command besides those that all have.
        every: Take every so-many-th image.
    """

    name: str
    cores: int
    words: tuple[str, ...] = ()
    every: int = 1


CASES = (
    Case('one process', 1),
    Case('one process', 2),
    Case('`--workers 1`', 2, ('--workers', '1')),
    Case('`--workers 2`', 2, ('--workers', '2')),
    Case('`--workers 2 --every 6`', 2, ('--workers', '2', '--every', '6'), every=6),
)


@dataclass(frozen=True)
class Run:
    """What a command took.

    Args:
        images: Number of images that it processed.
        wall: Seconds from its start to its end.
        cpu: Seconds that all of its processes worked.
        memory: MiB that the largest of its processes held at most.
    """

    images: int
    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class BagFigures:
    """What an image takes.

    Args:
        case: How the bag was run.
        rate: Images a second, once it runs.
        cpu: Seconds that all processes work for an image.
        start: Seconds that are not spent on images.
        memory: MiB that the largest process held at most.
    """

    case: Case
    rate: float
    cpu: float
    start: float
    memory: float


def measure_bags(rounds: int) -> list[BagFigures]:
    """Run a short and a long stretch of a bag in each way, in turn; the difference is images.

    Args:
        rounds: How often; a run before these does not count, in which ``auto`` makes its choice.
    """
    runs: dict[Case, list[tuple[Run, Run]]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        bag = write_bag(Path(folder) / 'bag', LONG * max(case.every for case in CASES))
        for case in CASES:
            run_bag(bag, case, SHORT)
        for _ in range(rounds):
            for case, pairs in runs.items():
                pairs.append((run_bag(bag, case, SHORT), run_bag(bag, case, LONG)))
    return [to_figures(case, pairs) for case, pairs in runs.items()]


def write_bag(folder: Path, seconds: int) -> Path:
    """Write JPEGs of real rooms, which move."""
    pictures = [cv2.resize(read_image(path), SIZE) for path in find_images(PICTURES, 15)]
    jpegs = []
    for index in range(DISTINCT):
        rgb = np.roll(pictures[index % len(pictures)], 9 * index, axis=1)
        jpegs.append(encode_jpeg(np.ascontiguousarray(rgb), QUALITY))
    with BagWriter(folder, {TOPIC: COMPRESSED_IMAGE}) as writer:
        for index in range(seconds * RATE):
            stamp = START + index * 10**9 // RATE
            header, data = bag_messages.to_header(stamp, 'camera'), jpegs[index % DISTINCT]
            message = bag_messages.make(
                COMPRESSED_IMAGE, header=header, format=JPEG_FORMAT, data=data
            )
            writer.write(TOPIC, stamp, message)
    return folder


def run_bag(bag: Path, case: Case, seconds: int) -> Run:
    """Run a stretch of a bag in a process of its own.

    Args:
        bag: Bag of JPEGs.
        case: How to run it.
        seconds: Seconds of the bag if all images were taken.
    """
    cores = sorted(os.sched_getaffinity(0))[: case.cores]
    with tempfile.TemporaryDirectory() as folder:
        words = ['bag', 'run', bag, '--output', f'{folder}/out.mcap', '--model', 'indoor']
        words += ['--end', seconds * case.every, '--part-images', PART, *case.words]
        before, began, memory = os.times(), time.monotonic(), 0.0
        process = subprocess.Popen(
            [sys.executable, '-c', COMMAND, *map(str, words)],
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        while process.poll() is None:
            memory = max(memory, *map(peak_memory, list_processes(process.pid)), 0.0)
            time.sleep(SAMPLE)
        wall, after = time.monotonic() - began, os.times()
    if process.returncode:
        sys.exit(f'yolact bag run must succeed, got exit status {process.returncode}')
    cpu = sum(after[2:4]) - sum(before[2:4])  # of children that have ended
    return Run(seconds * RATE, wall, cpu, memory)


def to_figures(case: Case, pairs: list[tuple[Run, Run]]) -> BagFigures:
    """Return what an image takes, from runs over short and long stretches."""
    images = pairs[0][1].images - pairs[0][0].images
    wall = statistics.median(long.wall - short.wall for short, long in pairs) / images
    cpu = statistics.median(long.cpu - short.cpu for short, long in pairs) / images
    start = statistics.median(short.wall - short.images * wall for short, _ in pairs)
    memory = max(long.memory for _, long in pairs)
    return BagFigures(case, 1 / wall, cpu, start, memory)


def list_processes(root: int) -> list[int]:
    """Return a process and all that it has started."""
    try:
        children = (PROC / f'{root}/task/{root}/children').read_text().split()
    except OSError:
        return []
    return [root, *(one for child in children for one in list_processes(int(child)))]


def peak_memory(process: int) -> float:
    """Return the MiB that a process has held at most; 0 if it has ended."""
    try:
        lines = (PROC / f'{process}/status').read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith('VmHWM')), 0.0)
