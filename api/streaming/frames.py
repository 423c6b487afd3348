"""Frames of server-sent events, as bytes. Pure."""

from typing import Any, Final

import msgspec

RETRY_MS: Final = 2_000
"""Delay before a browser reconnects."""
OPENING: Final = f"retry: {RETRY_MS}\n\n".encode()

_ENCODE: Final = msgspec.json.Encoder().encode


def frame(event: str, data: bytes, position: int | None = None) -> bytes:
    """Return an event; *data* is JSON without line breaks, and *position* the one to resume from after it."""
    identity = b"" if position is None else b"id: %d\n" % position
    return b"%bevent: %b\ndata: %b\n\n" % (identity, event.encode(), data)


def frame_of(event: str, data: Any, position: int | None = None) -> bytes:
    """Return an event with *data* as JSON."""
    return frame(event, _ENCODE(data), position)
