"""Fresh coins on the simulator, for people to watch."""

import asyncio
import secrets
from collections.abc import Awaitable, Iterator

import httpx
import structlog

from shared.backoff import pause

log = structlog.get_logger(__name__)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAME_LETTERS = 6


def names() -> Iterator[str]:
    """Make up symbols that were never listed before, this time or the last."""
    while True:
        yield "".join(secrets.choice(LETTERS) for _ in range(NAME_LETTERS)) + "USDT"


async def list_coin(client: httpx.AsyncClient, symbol: str) -> None:
    """List *symbol* on the simulator behind *client*, tradable at once."""
    response = await client.post("/_sim/symbols", json={"symbol": symbol, "opens_in": 0})
    response.raise_for_status()


async def keep_listing(
    simulator_url: str, *, every_seconds: float, when_ready: Awaitable[None], stop: asyncio.Event
) -> None:
    """List a coin as soon as somebody watches, and then every *every_seconds* until *stop*."""
    await when_ready
    async with httpx.AsyncClient(base_url=simulator_url, trust_env=False) as client:
        for symbol in names():
            if stop.is_set():
                return
            try:
                await list_coin(client, symbol)
            except httpx.HTTPError as error:
                log.warning("coin not listed", symbol=symbol, reason=str(error))
            await pause(every_seconds, stop)
