"""Jobs for the tests of executors, in a module that other processes can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from yolact_core.errors import InputError
from yolact_ros.bag.evaluate import jobs as evaluation
from yolact_ros.bag.replay import frames, reading
from yolact_ros.bag.replay import jobs as replaying

MARK = 'killed'  # file beside a bag, once a process has died


def name_process(_: int, __: Any) -> int:
    return os.getpid()


def count_threads(_: int, __: Any) -> int:
    import torch

    return torch.get_num_threads()


def fail_as_told(job: tuple[str, str], _: Any) -> str:
    """Fail in one of several ways, the first time or always, and note each attempt."""
    how, folder = job
    mark = Path(folder) / how
    attempts = len(mark.read_text()) if mark.exists() else 0
    mark.write_text('x' * (attempts + 1))
    if how == 'refuse':
        raise InputError('images must be images, got none')
    if how.endswith('always') or attempts == 0:
        if how.startswith('die'):
            os.kill(os.getpid(), signal.SIGKILL)
        if how.startswith('raise'):
            raise OSError('the disk is tired')
    return how


def _die_once(module: Any, bag: Path, work: Any, job: Any, observer: Any) -> Any:
    """Do a job, but when it comes to the sixth image, die, if nobody has yet."""
    before = module.decode

    def decode(opened: Any, raw: Any, image_range: Any) -> Any:
        mark = bag.with_name(MARK)
        if raw.index == 5 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return before(opened, raw, image_range)

    module.decode = decode
    try:
        return work(job, observer)
    finally:
        module.decode = before


def evaluate_dying_part(part: Any, observer: Any) -> Any:
    work = evaluation.evaluate_part
    return _die_once(frames, part.job.bag, work, part, observer)


def replay_dying_span(task: Any, observer: Any) -> Any:
    return _die_once(reading, task.job.bag, replaying.replay_span, task, observer)


def evaluate_hopeless_part(part: Any, observer: Any) -> Any:
    if part.span.start is not None and sum(part.span.counts.values()) < 6:
        raise OSError('the disk is tired')
    return evaluation.evaluate_part(part, observer)


def replay_hopeless_span(task: Any, observer: Any) -> Any:
    if task.number == 1:
        raise OSError('the disk is tired')
    return replaying.replay_span(task, observer)
