"""Programs of another DDS implementation, which know no ROS, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = """
<CycloneDDS><Domain>
  <General>
    <Interfaces><NetworkInterface name="lo"/></Interfaces>
    <AllowMulticast>false</AllowMulticast>
  </General>
  <Discovery>
    <ParticipantIndex>auto</ParticipantIndex>
    <MaxAutoParticipantIndex>60</MaxAutoParticipantIndex>
    <Peers><Peer address="127.0.0.1"/></Peers>
  </Discovery>
</Domain></CycloneDDS>
"""


@contextmanager
def start(script: str, *words: object) -> Iterator[subprocess.Popen[str]]:
    """Run a script beside this file; it is killed at the end.

    Args:
        script: Name of its file.
        words: Words of its command line.
    """
    with subprocess.Popen(
        [sys.executable, Path(__file__).parent / script, *map(str, words)],
        env={**os.environ, 'CYCLONEDDS_URI': LOOPBACK},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
