"""Rehearsal of a purchase: from the bytes of a listing's message to its signed request, with no trace of it.

Listings are hours apart, and the first of a process runs code that never ran there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from executor.listing_handler import BuyListing
from executor.rehearsal.rounds import READ_SECONDS, keep_rehearsed
from executor.settings import ExecutorSettings
from shared.events import Listing, ListingKey, Source, Trade, TradingRules
from shared.wire.topology import message_handler, to_message

IDLE_MIN: Final = 2
"""A rehearsal holds one connection, and an order that comes meanwhile finds another open."""
NOBODY: Final = "0REHEARSED0"
"""The coin, which no exchange shows."""
PRICE: Final = "0.012345"
RULES: Final = TradingRules(
    base_precision=2,
    quote_precision=6,
    base_quantity_min=Decimal("0.01"),
    quote_amount_min=Decimal(1),
    quote_amount_max=Decimal(2_000_000),
    quote_amount_min_market=Decimal(1),
    quote_amount_max_market=Decimal(100_000),
)
"""Without rules, the request would not be made at once."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Whether a rehearsal would keep nothing from an order."""

    has_idle: Callable[[int], bool]
    """Whether so many connections are open and idle."""
    busy: Sequence[Callable[[], bool]]
    """Whether an order is under way, by those who know."""

    def __call__(self) -> bool:
        """Return whether no order is under way, and a rehearsal would not hold the last connection."""
        return not any(is_busy() for is_busy in self.busy) and self.has_idle(IDLE_MIN)


class PurchaseRehearsal:
    def __init__(
        self, settings: ExecutorSettings, may_begin: Callable[[], bool], *, now: Callable[[], datetime]
    ) -> None:
        """Nothing is rehearsed where *settings* switch that off, nor where they name nothing to buy with."""
        self._every_seconds = settings.rehearsal_seconds
        self._quote_asset = min(settings.quote_assets, default=None)
        self._may_begin = may_begin
        self._now = now
        self._read_at = float("-inf")

    @contextmanager
    def lend(self, buy: BuyListing, tasks: asyncio.TaskGroup) -> Iterator[None]:
        """Rehearse the way to *buy* during the block."""
        if not self._every_seconds or self._quote_asset is None:
            yield
            return
        rehearse = partial(self.rehearse, buy, self._quote_asset)
        rehearsing = keep_rehearsed(
            rehearse, self._every_seconds, self._may_begin, failed="a purchase was not rehearsed"
        )
        task = tasks.create_task(rehearsing, name="purchase rehearsal")
        try:
            yield
        finally:
            task.cancel()

    async def rehearse(self, buy: BuyListing, quote_asset: str) -> None:
        """Let the message of a listing go the way as far as its commit, which commits nothing.

        It goes by a reading a second old at most, and so does the next listing: a round trip less in front of it.
        """
        if (time := asyncio.get_running_loop().time()) - self._read_at >= READ_SECONDS:
            await buy.read_ahead()
            self._read_at = time

        async def handle(listing: Listing) -> Sequence[Trade]:
            await buy.rehearse(listing)
            return ()

        await message_handler(Listing, handle)(to_message(listing_at(self._now(), quote_asset)))


def listing_at(now: datetime, quote_asset: str) -> Listing:
    """Return the listing of the coin, seen and announced *now*."""
    symbol = f"{NOBODY}{quote_asset}"
    return Listing(
        id=f"{symbol}:1:detected",
        key=ListingKey(f"{symbol}:1"),
        symbol=symbol,
        base_asset=NOBODY,
        quote_asset=quote_asset,
        source=Source.MEXC_WEBSOCKET,
        listed_at=now,
        observed_at=now,
        published_at=now,
        deduplicated_at=now,
        price=Decimal(PRICE),
        rules=RULES,
    )
