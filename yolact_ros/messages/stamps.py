"""Times as ROS writes them down."""

from __future__ import annotations

from typing import Any

NS_PER_S = 10**9
EARLIEST, LATEST = -(2**31) * NS_PER_S, 2**31 * NS_PER_S - 1  # December 1901, January 2038
TOO_LATE = 'stamps of ROS 2 end in January 2038: later times become that moment'


def split_time(time: int) -> tuple[int, int]:
    """Return the seconds and nanoseconds of a stamp.

    Args:
        time: Time in ns since 1970; what no stamp can hold becomes the nearest that one can.
    """
    return divmod(min(max(time, EARLIEST), LATEST), NS_PER_S)


def stamp_of(header: Any) -> int:  # noqa: ANN401 - of ROS or of rosbags
    """Return the stamp of a header in ns since 1970."""
    return int(header.stamp.sec) * NS_PER_S + int(header.stamp.nanosec)
