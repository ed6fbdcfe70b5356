"""Environment variables that ROS reads: where their values would end or mislead it, we say so."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from yolact_core.errors import InputError

LARGEST_DOMAIN = 232  # the ports of higher ones do not exist
SWITCH = ('0', '1')
CHOICES = {
    'RCUTILS_COLORIZED_OUTPUT': SWITCH,
    'RCUTILS_LOGGING_BUFFERED_STREAM': SWITCH,
    'RCUTILS_LOGGING_USE_STDOUT': SWITCH,
    'ROS_LOCALHOST_ONLY': SWITCH,
    'ROS_AUTOMATIC_DISCOVERY_RANGE': ('SUBNET', 'LOCALHOST', 'OFF', 'SYSTEM_DEFAULT'),
}
MIDDLEWARES = ('RMW_IMPLEMENTATION', 'RCL_ASSERT_RMW_ID_MATCHES')
PROFILES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
LOG_FOLDER = 'ROS_LOG_DIR'
WITHOUT_LOG_FILE = '--disable-external-lib-logs'


def check_environment() -> None:
    """Check variables whose wrong values end a process without a word, or do so in silence.

    Must be called before rclpy is imported, which ends the process for some.

    Raises:
        InputError: A value is not as it must be.
    """
    for name, choices in CHOICES.items():
        if os.environ.get(name, '') not in ('', *choices):
            raise InputError(f'{name} must be {" or ".join(choices)}, got {os.environ[name]!r}')
    installed = _middlewares()
    for name in MIDDLEWARES:
        chosen = os.environ.get(name)
        if chosen and installed and chosen not in installed:
            raise InputError(f'{name} must be among {", ".join(installed)}, got {chosen!r}')
    _check_domain(os.environ.get('ROS_DOMAIN_ID') or '0')
    for name in PROFILES:
        if path := os.environ.get(name):
            _check_profiles(name, path)


def choose_log_folder(words: Sequence[str]) -> str:
    """Make ROS write its log files where that is possible.

    Args:
        words: Words of the command line, which may say that there is no log file.

    Returns:
        Sentence that says where they are and why, if not where ROS writes them; else empty.

    Raises:
        InputError: They cannot be written where the environment says, or nowhere at all.
    """
    if WITHOUT_LOG_FILE in words:
        return ''
    try:
        _try_to_write(_usual_log_folder())
    except OSError as error:
        reason = f'{error.filename}: {error.strerror}'
    except RuntimeError as error:
        reason = str(error)
    else:
        return ''
    rule = f'{LOG_FOLDER} must be a folder that can be written to'
    if given := os.environ.get(LOG_FOLDER):
        raise InputError(f'{rule}, got {given!r}: {reason}')
    try:
        folder = tempfile.mkdtemp(prefix='ros_log_')
    except OSError:
        raise InputError(f'{rule}, or {WITHOUT_LOG_FILE} be given: {reason}') from None
    os.environ[LOG_FOLDER] = folder
    return f'logs go to {folder}, because {reason}; {LOG_FOLDER} names another folder'


def _usual_log_folder() -> Path:
    """Return the folder that ROS chooses.

    Raises:
        RuntimeError: It would be in the home folder, and there is none.
    """
    if named := os.environ.get(LOG_FOLDER):
        return _below_home(named)
    return _below_home(os.environ.get('ROS_HOME') or '~/.ros') / 'log'


def _below_home(path: str) -> Path:
    """Return a path whose ~ is replaced as ROS does it: by HOME and nothing else."""
    if not path.startswith('~'):
        return Path(path)
    if not (home := os.environ.get('HOME')):
        raise RuntimeError('HOME is not set')
    return Path(home + path[1:])


def _try_to_write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _middlewares() -> list[str]:
    """Return the names of the installed middlewares, none where that cannot be told."""
    try:
        from ament_index_python import get_resources

        installed = set(get_resources('rmw_typesupport'))
    except (ImportError, OSError):  # ROS is missing, or its setup is not sourced
        return []
    return sorted(installed - {'rmw_implementation'})


def _check_domain(text: str) -> None:
    try:
        is_right = 0 <= int(text, 0) <= LARGEST_DOMAIN
    except ValueError:
        is_right = False
    if not is_right:
        raise InputError(
            f'ROS_DOMAIN_ID must be a whole number from 0 to {LARGEST_DOMAIN}, got {text!r}'
        )


def _check_profiles(name: str, path: str) -> None:
    try:
        ElementTree.parse(path)
    except OSError as error:
        raise InputError(f'{name} must name a file, got {path!r}: {error.strerror}') from None
    except ElementTree.ParseError as error:
        raise InputError(f'{name} must name an XML file, got {path!r}: {error}') from None
