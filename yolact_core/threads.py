"""How threads share work, and how they wait for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
