"""Fresh coins listed by themselves, so that a newcomer to the system sees something happen."""

import asyncio
from collections.abc import Callable

from simulator.exchange import Exchange
from simulator.listings import ListingRequest


async def list_newcomers(exchange: Exchange, clock_ms: Callable[[], int]) -> None:
    """List a coin after `list_after_seconds` and then every `list_every_seconds`, until cancelled."""
    settings = exchange.settings
    if not settings.list_every_seconds:
        return
    await asyncio.sleep(settings.list_after_seconds)
    for symbol in exchange.fresh_symbols:
        if exchange.market.catalogue.get(symbol) is None:
            exchange.list_symbol(ListingRequest(symbol=symbol), clock_ms())
            await asyncio.sleep(settings.list_every_seconds)
