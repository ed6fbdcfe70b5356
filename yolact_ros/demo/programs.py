"""The programs of the demo, each in a process of its own with its own log."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from yolact_core.errors import InputError
from yolact_ros.demo.recorder import NAMESPACE
from yolact_ros.health.transport import find_profile_variable

PATIENCE = 10.0  # seconds from asking a program to end until it is killed
LAST_LINES = 8
LONGEST_START = 900.0  # seconds that the node has to load its model, and to export it before
LAST_RESULT = 20.0  # seconds that the node has for the last image
TICK = 0.1  # seconds
IN_NAMESPACE = ('--ros-args', '-r', f'__ns:={NAMESPACE}')


class ProgramError(Exception):
    """A program has ended that should not have, or did not do its work."""


class Program:
    """One running program.

    Args:
        name: Name of the program in sentences.
        words: Words of the command line, without the Python that runs it.
        log: File that takes the program's output.
    """

    def __init__(self, name: str, words: Sequence[str], log: Path) -> None:
        self.name = name
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=make_environment(),
            )

    @property
    def status(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def complain(self, what: str) -> ProgramError:
        """Return an error that says what is wrong, with the last lines of the log."""
        lines = self._log.read_text(errors='replace').splitlines()[-LAST_LINES:]
        said = '\n'.join(f'  {line}' for line in lines) or '  nothing'
        return ProgramError(f'{what}; {self._log} ends with\n{said}')

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        if self.status is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True, kw_only=True)
class Part:
    """What the programs do in one part of the demo.

    Args:
        bag: Bag that the camera plays.
        player: Words for the player, beside the bag.
        parameters: Parameters of the node.
        results: Bag that the recorder writes.
        recorder: Words for the recorder, beside that bag.
        logs: Folder of the programs' logs.
    """

    bag: Path
    player: Sequence[str]
    parameters: Mapping[str, object]
    results: Path
    recorder: Sequence[str] = ()
    logs: Path


def play(part: Part, seconds: float, is_stopped: Callable[[], bool]) -> None:
    """Run camera, node and recorder until the last image is answered, or until asked to stop.

    Args:
        part: What they do.
        seconds: Time that the camera runs.
        is_stopped: Function that says whether the user wants an early end.

    Raises:
        ProgramError: One of the programs failed.
    """
    programs = find_package() / 'lib' / 'yolact'
    with ExitStack() as stack:

        def start(name: str, *words: object) -> Program:
            program = Program(name, [*map(str, words)], part.logs / f'{name}.log')
            stack.callback(program.stop)
            return program

        recorder = start(
            'recorder', '-m', 'yolact_ros.demo.recorder', part.results, *part.recorder
        )
        values = part.parameters.items()
        assignments = [word for name, value in values for word in ('-p', f'{name}:={value}')]
        node = start('node', programs / 'yolact_node', *IN_NAMESPACE, *assignments)
        player = start(
            'player',
            programs / 'yolact_player',
            part.bag,
            *('--duration', seconds, '--wait', LONGEST_START),
            *(*part.player, *IN_NAMESPACE),
        )
        _wait(recorder, node, player, is_stopped)


def _wait(
    recorder: Program, node: Program, player: Program, is_stopped: Callable[[], bool]
) -> None:
    """Wait for the end of the recording.

    Raises:
        ProgramError: A program ended before, or failed.
    """
    deadline = float('inf')
    while recorder.status is None:
        if is_stopped():
            return
        if time.monotonic() > deadline:
            raise node.complain(
                f'the node has not answered the last image within {LAST_RESULT:g} s'
            )
        time.sleep(TICK)
        if player.status == 0:
            deadline = min(deadline, time.monotonic() + LAST_RESULT)
        _check_alive(recorder, node, player, is_stopped)


def _check_alive(
    recorder: Program, node: Program, player: Program, is_stopped: Callable[[], bool]
) -> None:
    """Check that nothing has failed, unless the user has asked all of them to end.

    Raises:
        ProgramError: A program ended before its time, or failed.
    """
    errors = []
    if node.status is not None:
        errors.append(node.complain('the node has ended in the middle of the demo'))
    errors += [p.complain(f'the {p.name} has failed') for p in (player, recorder) if p.status]
    if errors and not is_stopped():
        raise errors[0]


def find_package() -> Path:
    """Return the prefix under which the ROS package is installed.

    Raises:
        InputError: It is not.
    """
    try:
        return Path(get_package_prefix('yolact'))
    except PackageNotFoundError:
        raise InputError(
            'package yolact must be built and its setup sourced: make setup, or colcon build'
        ) from None


def make_environment() -> dict[str, str]:
    """Return the environment of the programs: on this computer only, with room for images."""
    defaults = {
        find_profile_variable(): str(
            find_package() / 'share' / 'yolact' / 'config' / 'fastdds.xml'
        ),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    }
    return {**defaults, **os.environ, 'PYTHONUNBUFFERED': '1'}
