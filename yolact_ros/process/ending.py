"""The end of a process that is told to stop: soon and without a word, whatever it is doing.

Executables import this before all that takes time, hence the few imports.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

PATIENCE = 2.0  # seconds that an orderly end may take

_is_orderly = threading.Event()


def end_on_signals() -> None:
    """Let Ctrl-C and SIGTERM end the process with status 0, at once unless ``end_orderly``.

    Python calls its handlers only when the main thread is back from C, where a model may load for
    minutes: so another thread waits for the signals.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_end_after_signal, args=(reader,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # if it had to wait until now


def _end_after_signal(reader: int) -> None:
    os.read(reader, 1)
    if _is_orderly.is_set():
        select.select([reader], [], [], PATIENCE)
    leave(0)


def end_orderly() -> None:
    """Leave the end to whoever handles signals; a second one, or a long wait, ends all."""
    _is_orderly.set()


def leave(status: int) -> NoReturn:
    """End the process at once.

    Python would take more than a second to take torch apart, and would crash if a thread is still
    deep inside a slow network.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader is gone, or it is closed
            stream.flush()
    os._exit(status)
