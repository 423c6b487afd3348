"""Listing of new coins on the simulator."""

import asyncio
import secrets
from collections.abc import Iterator
from itertools import islice

import httpx
import structlog

from shared.errors import pause

log = structlog.get_logger(__name__)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAME_LETTERS = 6


def names() -> Iterator[str]:
    """Yield random symbols that were not listed before, in this run or an earlier one."""
    while True:
        yield "".join(secrets.choice(LETTERS) for _ in range(NAME_LETTERS)) + "USDT"


async def list_coin(client: httpx.AsyncClient, symbol: str) -> None:
    """List *symbol* on the simulator, tradable at once."""
    response = await client.post("/_sim/symbols", json={"symbol": symbol, "opens_in": 0})
    response.raise_for_status()


async def list_new(simulator_url: str, count: int, spacing_seconds: float, *, stop: asyncio.Event) -> None:
    """List *count* coins of new names one after the other, until *stop*."""
    async with httpx.AsyncClient(base_url=simulator_url, trust_env=False) as client:
        for symbol in islice(names(), count):
            if stop.is_set():
                return
            await list_coin(client, symbol)
            await pause(spacing_seconds, stop)


async def keep_listing(simulator_url: str, waits: Iterator[float], *, stop: asyncio.Event) -> None:
    """Let the simulator list its next coin now and after each of *waits*, in seconds, until *stop*."""
    async with httpx.AsyncClient(base_url=simulator_url, trust_env=False) as client:
        for wait_seconds in waits:
            if stop.is_set():
                return
            try:
                (await client.post("/_sim/newcomers")).raise_for_status()
            except httpx.HTTPError as error:
                log.warning("coin not listed", reason=str(error))
            await pause(wait_seconds, stop)
