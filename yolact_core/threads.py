"""How many threads PyTorch works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_thread() -> Iterator[None]:
    """Let PyTorch do what is asked for here by itself, also as a decorator.

    Threads that share work wait for each other in a busy loop. For work of less than a
    millisecond that gains little on idle cores, and costs many times the work where a camera
    driver or another node has one of them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
