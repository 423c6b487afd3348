"""Channels of one symbol's trades and best prices."""

from typing import Final

SYMBOLS_PER_CONNECTION: Final = 15
"""With two channels each: MEXC allows thirty subscriptions per connection."""
FRAME_BYTES_MAX: Final = 256 * 1024
_BREAKING: Final = frozenset(", @[]")
"""Characters with a meaning in channel names and answers."""


def channels_of(symbol: str) -> frozenset[str]:
    """Return the channels of *symbol*'s deals and best prices, at the shortest interval offered."""
    return frozenset((deals_channel(symbol), book_channel(symbol)))


def deals_channel(symbol: str) -> str:
    return f"spot@public.aggre.deals.v3.api.pb@10ms@{symbol}"


def book_channel(symbol: str) -> str:
    return f"spot@public.aggre.bookTicker.v3.api.pb@10ms@{symbol}"


def symbol_of(channel: str) -> str:
    return channel.rpartition("@")[2]


def can_be_followed(symbol: str) -> bool:
    """Return whether *symbol* breaks no name of a channel."""
    return not _BREAKING.intersection(symbol)
