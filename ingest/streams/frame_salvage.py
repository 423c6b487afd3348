"""Salvage of ticker frames: item by item, where one item makes the whole unreadable."""

from collections.abc import Iterator
from typing import Final

from google.protobuf.message import DecodeError

from shared.mexc.streams.control_frame import FrameError
from shared.mexc.wire_pb2 import TickerSymbol

_VARINT, _SIXTY_FOUR, _BYTES, _THIRTY_TWO = 0, 1, 2, 5
_CHANNEL: Final = 1
_TICKERS: Final = 310
_ITEMS: Final = 1
_VARINT_BYTES_MAX: Final = 10


def readable_items(frame: bytes, channel: str) -> Iterator[TickerSymbol | None]:
    """Yield each item of *frame*, None in place of an unreadable one.

    Raises FrameError where the frame itself is no push of *channel*.
    """
    parts = list(_fields(frame))
    if channel.encode() not in [value for number, value in parts if number == _CHANNEL]:
        raise FrameError("a push of another channel, or of none that can be read")
    for number, tickers in parts:
        if number == _TICKERS and tickers is not None:
            for part, value in _fields(tickers):
                if part == _ITEMS and value is not None:
                    try:
                        yield TickerSymbol.FromString(value)
                    except DecodeError:
                        yield None


def _fields(message: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Yield the fields of *message* by number, with the bytes of those that have any."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == _BYTES:
            length, place = _varint(message, place)
            if place + length > len(message):
                raise FrameError("a field is longer than its message")
            yield number, message[place : place + length]
            place += length
        elif kind == _VARINT:
            _, place = _varint(message, place)
        elif kind in {_SIXTY_FOUR, _THIRTY_TWO}:
            place += 8 if kind == _SIXTY_FOUR else 4
        else:
            raise FrameError(f"no field is of the kind {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return the varint at *place*, and the place after it."""
    number = 0
    for count, byte in enumerate(message[place : place + _VARINT_BYTES_MAX]):
        number |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return number, place + count + 1
    raise FrameError("a number without an end")
