"""Serialized messages as rclpy reads them, whoever wrote them."""

from __future__ import annotations

from typing import Any

from rclpy.serialization import deserialize_message

from yolact_core.errors import InputError

HEAD = 4  # bytes before the message, which say how it is serialized


def deserialize(serialized: bytes, kind: type[Any]) -> Any:  # noqa: ANN401 - a message
    """Return a message.

    Args:
        serialized: Message as the middleware hands it out, or as a bag holds it.
        kind: Class of the message.

    Raises:
        InputError: It is cut off, or of another type.
    """
    try:
        if len(serialized) > HEAD:  # of less, Fast CDR reads beyond the end and crashes
            return deserialize_message(serialized, kind)
        reason = f'got {len(serialized)} bytes'
    except Exception as error:  # each middleware has its own
        reason = ' '.join(str(error).split())
    raise InputError(f'serialized message must be a whole {kind.__name__}: {reason}')
