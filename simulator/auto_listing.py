"""Periodic listings of new coins, so that a demo has something to buy."""

import asyncio
from contextlib import suppress

from simulator.exchange import Exchange
from simulator.state_file import StateError


async def list_newcomers(exchange: Exchange) -> None:
    """List a coin after `list_after_seconds` and then every `list_every_seconds`, until cancelled."""
    settings = exchange.settings
    if not settings.list_every_seconds:
        return
    await asyncio.sleep(settings.list_after_seconds)
    while True:
        exchange.list_newcomer(exchange.now_ms())
        with suppress(StateError):  # Saved with the next change; until then every answer reports it.
            exchange.save()
        await asyncio.sleep(settings.list_every_seconds)
