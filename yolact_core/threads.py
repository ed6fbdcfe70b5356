"""How threads share work, how they wait for it, and how one reads ahead of another."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TypeVar

import torch

Item = TypeVar('Item')

POLICY = 'OMP_WAIT_POLICY'  # environment variable of OpenMP


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


@contextmanager
def asleep_while_waiting() -> Iterator[None]:
    """Let threads of OpenMP libraries that are loaded here sleep where they wait for each other.

    Else they spin, and all wait for one that has lost its core to another process. What the user
    has set in the environment holds.
    """
    has_policy = POLICY in os.environ
    os.environ.setdefault(POLICY, 'passive')
    try:
        yield
    finally:
        if not has_policy:
            del os.environ[POLICY]


def read_ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Iterate over items; a thread takes the next one from its generator while one is in use.

    Items come in their order, no more than one of them waits, and an error comes out in its
    place. Closing this waits for what is being taken, and closes the generator.

    Args:
        items: Generator of the items, which runs in that thread alone.
    """
    end = object()
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix='yolact reader') as thread:
        taking = thread.submit(next, items, end)
        while (item := taking.result()) is not end:
            taking = thread.submit(next, items, end)
            yield item  # type: ignore[misc]
