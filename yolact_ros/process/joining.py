"""Joining ROS: what is wrong with arguments or environment is told in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from yolact_core.errors import InputError
from yolact_ros.process.environment import check_environment, choose_log_folder

if TYPE_CHECKING:
    from rclpy.signals import SignalHandlerOptions

RULES = {  # of the words after --ros-args, by flag
    '-p': 'NAME:=VALUE with a value in YAML, lists of one type',
    '--param': 'NAME:=VALUE with a value in YAML, lists of one type',
    '-r': 'OLD:=NEW with names that ROS allows, __node:=NAME or __ns:=/NAMESPACE',
    '--remap': 'OLD:=NEW with names that ROS allows, __node:=NAME or __ns:=/NAMESPACE',
    '--params-file': 'a YAML file that says NODE: {ros__parameters: {NAME: VALUE}}',
    '--log-level': 'debug, info, warn, error or fatal, or LOGGER:=LEVEL',
}
BAD_WORD = re.compile(r"'(?P<flag>--?[a-z-]+) (?P<value>.*)'\. Error: (?P<reason>.*)")
SOURCE_LINE = re.compile(r',? at \S+:\d+')  # of the C code that complains
PREAMBLE = re.compile(r'^failed to (initialize rcl|parse ROS arguments): (error not set)?', re.I)
UNSAYING = ('lexeme', 'error not set', 'Unknown YAML event')  # reasons that tell users nothing
READ = re.compile('(ROS|RMW|RCL|FASTDDS|FASTRTPS|CYCLONEDDS)_')


def split_words(program: str, words: Sequence[str]) -> list[str]:
    """Return the words of a command line that are not for ROS.

    Args:
        program: Name of the program.
        words: All words behind it.

    Raises:
        InputError: ROS cannot be used here, or the words for it are wrong.
    """
    check_environment()
    with ros_errors():
        from rclpy.utilities import remove_ros_args

        with _quiet_rcl():
            return list(remove_ros_args([program, *words])[1:])


def join_ros(words: Sequence[str], signal_handlers: SignalHandlerOptions | None = None) -> str:
    """Initialize ROS with the words of a command line, and return what the user should know.

    Args:
        words: All words behind the name of the program.
        signal_handlers: Signals that ROS handles; None: all.

    Raises:
        InputError: Arguments or environment are not as ROS must have them.
    """
    import rclpy

    remark = choose_log_folder(words)
    with ros_errors(), _quiet_rcl():
        rclpy.init(args=list(words), signal_handler_options=signal_handlers)
    return remark


@contextmanager
def ros_errors() -> Iterator[None]:
    """Turn what the libraries of ROS raise inside the block into one sentence.

    Raises:
        InputError: Something was raised.
    """
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            'ROS 2 and this package must be installed and their setup sourced, but Python lacks '
            f'{error.name or error}'
        ) from error
    except Exception as error:  # their classes have no public names
        raise InputError(_explain(error)) from error


@contextmanager
def _quiet_rcl() -> Iterator[None]:
    """Keep the C library from announcing errors that are raised, too."""
    from rclpy.impl.logging_severity import LoggingSeverity
    from rclpy.logging import get_logger_effective_level, set_logger_level

    quiet = LoggingSeverity.FATAL
    set_logger_level('rcl', quiet)
    try:
        yield
    finally:
        if get_logger_effective_level('rcl') == quiet:  # else an argument has set another level
            set_logger_level('rcl', LoggingSeverity.UNSET)


def _explain(error: Exception) -> str:
    """Return what must hold and what ROS says was found."""
    said = PREAMBLE.sub('', ' '.join(SOURCE_LINE.sub('', str(error)).split()))
    if type(error).__name__ == 'UnknownROSArgsError':
        return f'words after --ros-args must be arguments of ROS, got {said}'
    bad = BAD_WORD.search(said)
    if bad is None or bad['flag'] not in RULES:
        return f'arguments and environment must be as ROS has them, got: {said or _variables()}'
    reason = bad['reason']
    if bad['flag'] == '--params-file' and Path(bad['value']).is_dir():
        reason = 'it is a folder'
    sentence = f'{bad["flag"]} must be {RULES[bad["flag"]]}, got {bad["value"]!r}'
    return sentence if any(one in reason for one in UNSAYING) else f'{sentence}: {reason}'


def _variables() -> str:
    """Return the variables that ROS reads, for errors of which it says nothing."""
    return ' '.join(f'{name}={value}' for name, value in os.environ.items() if READ.match(name))
