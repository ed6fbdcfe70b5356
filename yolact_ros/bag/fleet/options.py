"""Options of many bags, many processes and many machines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yolact_core.cli.options import whole_number
from yolact_ros.bag.fleet.bags import find_bags, is_bag

if TYPE_CHECKING:
    from yolact_ros.bag.fleet.pool import Pool

PART_IMAGES = 100


class Chosen(NamedTuple):
    """The bags that were asked for.

    Attributes:
        bags: Their paths.
        is_single: Whether one bag was named, so that the answer is about one.
        is_shared: Whether work goes to other processes.
    """

    bags: tuple[Path, ...]
    is_single: bool
    is_shared: bool


def add_bags(parser: argparse.ArgumentParser) -> None:
    """Add the bags, and who does the work."""
    parser.add_argument(
        'bag',
        nargs='*',
        type=Path,
        metavar='BAG',
        help='a folder, .mcap or .db3 file, or .bag of ROS 1; other folders are searched for bags',
    )
    group = parser.add_argument_group('many bags, processes, machines')
    group.add_argument(
        '--list', type=Path, metavar='FILE', help='a file that lists bags, one a line'
    )
    group.add_argument(
        '--workers',
        type=whole_number,
        metavar='N',
        help='share the work between N processes of one thread each (default: one process with '
        'all threads for one bag, a process for each core for many)',
    )
    group.add_argument(
        '--cluster',
        metavar='ADDRESS',
        help='share the work on a Ray cluster: its address, auto, or local for a new one here',
    )
    group.add_argument(
        '--part-images',
        type=whole_number,
        default=PART_IMAGES,
        metavar='N',
        help='share it in parts of N images, which are done again if a worker fails',
    )


def choose_bags(arguments: argparse.Namespace) -> Chosen:
    """Return the bags that are meant.

    Raises:
        InputError: None is named, or the list cannot be read.
    """
    bags = find_bags(arguments.bag, arguments.list)
    is_single = len(arguments.bag) == 1 and arguments.list is None and is_bag(arguments.bag[0])
    is_asked = arguments.workers is not None or arguments.cluster is not None
    return Chosen(bags, is_single, is_asked or not is_single)


def open_pool(arguments: argparse.Namespace, *, needs_gpu: bool) -> Pool:
    """Return who does the work.

    Raises:
        InputError: There is no such cluster.
    """
    import torch

    from yolact_ros.bag.fleet.cluster import RayPool
    from yolact_ros.bag.fleet.local import LocalPool

    if arguments.cluster is not None:
        return RayPool(arguments.cluster, arguments.workers, gpus=int(needs_gpu))
    return LocalPool(arguments.workers or torch.get_num_threads())
