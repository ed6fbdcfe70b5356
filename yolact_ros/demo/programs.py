"""Programs that the demo starts, each in its own process with its own log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from yolact_core.errors import InputError
from yolact_ros.health.fast_dds import find_profile_variable

PATIENCE = 10.0  # seconds from asking a program to end until it is killed
LAST_LINES = 8


class ProgramError(Exception):
    """A program has ended that should not have, or did not do its work."""


class Program:
    """One running program.

    Args:
        name: What it is called in sentences.
        words: Of its command line, without the Python that runs it.
        log: File that takes what it says.
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
        """Return an error that tells what is wrong with it and what it said last."""
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
