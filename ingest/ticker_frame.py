"""The symbols in one mini-tickers frame, read with the reduced schema."""

from google.protobuf.message import DecodeError

from shared.mexc.wire_pb2 import TickerFrame


class FrameError(Exception):
    """The bytes are not a frame of the channel asked for."""


def symbols_in(frame: bytes, channel: str) -> set[str]:
    """Return the names in *frame*; raise FrameError where it is something else than a push of *channel*."""
    try:
        push = TickerFrame.FromString(frame)
    except DecodeError as error:
        raise FrameError(str(error)) from error
    # Protobuf takes almost any bytes for a message of unknown fields, so the channel is what tells.
    if push.channel != channel:
        raise FrameError(f"a push of another channel: {push.channel[:60]!r}")
    names = {item.symbol for item in push.tickers.items}
    names.discard("")
    return names
