"""Order of the pushes of each channel: what is older than one before, or came already, shows nothing new. Pure."""

from collections.abc import Collection
from typing import Final

from executor.market_streams.pushes import BestPrices, Deals, Place

OLD_MAX: Final = 20
"""Pushes in a row that are older than one before: after so many the exchange has begun to count anew."""

Channel = tuple[str, type[BestPrices | Deals]]


class PushOrder:
    def __init__(self) -> None:
        self._newest: dict[Channel, Place] = {}
        self._old_in_a_row: dict[Channel, int] = {}

    def objection(self, push: BestPrices | Deals) -> str | None:
        """Return "old" or "repeated" for a push that shows nothing new: two connections overlap at a rotation."""
        channel: Channel = push.symbol, type(push)
        newest = self._newest.get(channel, Place())
        if push.place.is_before(newest):
            self._old_in_a_row[channel] = self._old_in_a_row.get(channel, 0) + 1
            if self._old_in_a_row[channel] <= OLD_MAX:
                return "old"
        elif push.place == newest and newest.version is not None:
            return "repeated"
        self._newest[channel] = push.place
        self._old_in_a_row.pop(channel, None)
        return None

    def keep(self, symbols: Collection[str]) -> None:
        """Forget other coins than *symbols*."""
        self._newest = {channel: place for channel, place in self._newest.items() if channel[0] in symbols}
        self._old_in_a_row = {channel: count for channel, count in self._old_in_a_row.items() if channel[0] in symbols}
