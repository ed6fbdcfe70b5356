"""One target in a process of its own."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from fuzz.guard import Guard
from fuzz.target import Target, load_target

INSTRUMENTED = ['yolact_core', 'yolact_ros', 'mcap', 'rosbags']
MINIMISING = 20.0  # seconds for each finding
CURRENT, RUNS, FOUND = 'current', 'runs.json', 'findings'

Signature = tuple[str, ...]


class Search:
    """Runs inputs of a target, and keeps those that find something.

    Args:
        run: Function that is given an input and raises what it causes.
        folder: Folder for what is found. The input that is being run is always in it, in case
            that the process ends with it.
    """

    def __init__(self, run: Callable[[bytes], None], folder: Path) -> None:
        self._run = run
        self._folder = folder
        self._known: set[Signature] = set()
        self.runs = 0
        (folder / FOUND).mkdir(parents=True, exist_ok=True)

    def __call__(self, data: bytes) -> None:
        """Run an input; what it causes for the first time is made small and written down."""
        (self._folder / CURRENT).write_bytes(data)
        self.runs += 1
        signature, text = self._try(data)
        if signature is None or signature in self._known:
            return
        self._known.add(signature)
        small = self._minimise(data, signature)
        path = self._folder / FOUND / hashlib.sha256(small).hexdigest()[:12]
        path.write_bytes(small)
        path.with_suffix('.txt').write_text(text)

    def finish(self) -> None:
        """Write down how many inputs were run."""
        (self._folder / CURRENT).unlink(missing_ok=True)
        (self._folder / RUNS).write_text(json.dumps(self.runs))

    def _try(self, data: bytes) -> tuple[Signature | None, str]:
        """Return what tells an input's outcome from others, if it is a finding, and its text."""
        try:
            self._run(data)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            return (type(error).__name__, place.filename, place.name), traceback.format_exc()
        return None, ''

    def _minimise(self, data: bytes, signature: Signature) -> bytes:
        """Return a shorter input with the same outcome."""
        end = time.monotonic() + MINIMISING
        size = len(data) // 2
        while size and time.monotonic() < end:
            for start in range(0, len(data), size):
                shorter = data[:start] + data[start + size :]
                if time.monotonic() > end:
                    break
                if self._try(shorter)[0] == signature:
                    data = shorter
                    break
            else:
                size //= 2
        return data


def search(name: str, folder: Path, *, runs: int | None, seconds: float, seed: int) -> None:
    """Run a target, and write what is found into a folder.

    Args:
        name: Name of the target.
        folder: Folder for inputs, those that find something, and the number of runs.
        runs: Number of inputs, always the same ones; None: as many as the seconds allow, led by
            coverage where atheris is installed.
        seconds: Time for all of it; with ``runs`` it does not count.
        seed: Seed of everything random.
    """
    logging.disable()
    corpus = folder / 'corpus'
    corpus.mkdir(parents=True, exist_ok=True)
    if runs is None and find_spec('atheris'):
        _follow_coverage(name, folder, corpus, seconds, seed)
        return
    target = load_target(name)
    search_one = Search(Guard(target.run, folder / 'room'), folder)
    for data in _alter(target, seed):
        if search_one.runs == runs or (runs is None and seconds < time.process_time()):
            break
        search_one(data)
    search_one.finish()


def _alter(target: Target, seed: int) -> Iterator[bytes]:
    """Iterate over the seeds, then without end over what becomes of them."""
    seeds = list(target.seeds())
    yield from seeds
    source = random.Random(seed)
    while True:
        data = source.choice(seeds)
        for _ in range(source.choice((1, 1, 2, 4))):
            data = target.mutate(data, source)
        yield data


def _follow_coverage(name: str, folder: Path, corpus: Path, seconds: float, seed: int) -> None:
    """Let libFuzzer choose the inputs. It ends the process."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        target = load_target(name)
        search_one = Search(Guard(target.run, folder / 'room'), folder)
        for data in target.seeds():  # which import whatever is imported late
            (corpus / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
            search_one(data)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        return target.mutate(data, random.Random(number))[:most]

    options = {'max_total_time': int(seconds), 'seed': seed + 1, 'rss_limit_mb': 4096}
    words = [f'-{key}={value}' for key, value in options.items()]
    more = ['-timeout=30', '-print_final_stats=1', '-max_len=1048576', '-len_control=0']
    atheris.Setup(
        ['fuzz', *words, *more, f'-artifact_prefix={folder}/', str(corpus)],
        search_one,
        custom_mutator=mutate,
    )
    atheris.Fuzz()
