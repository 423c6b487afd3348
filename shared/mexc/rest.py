"""Everything asked of MEXC over REST that is not an order."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Final

import httpx
import structlog

from shared.mexc.http_get import DEFAULT_LIMITS, RestLimits, connect_http, decode, get
from shared.mexc.payloads import (
    BookTicker,
    DefaultSymbols,
    ExchangeInfo,
    OrderBook,
    ServerTime,
    symbol_info,
)
from shared.mexc.symbols import SymbolInfo

log = structlog.get_logger(__name__)

_ENTRIES_PER_TURN: Final = 250


@asynccontextmanager
async def connect_rest(base_url: str, limits: RestLimits = DEFAULT_LIMITS) -> AsyncIterator["MexcRest"]:
    """Open a client of the exchange at *base_url*, for example https://api.mexc.com."""
    async with connect_http(base_url, limits) as http:
        yield MexcRest(http, limits)


class MexcRest:
    """Public market data. Every method raises ExchangeUnavailable, ExchangeRejected or RateLimited."""

    def __init__(self, http: httpx.AsyncClient, limits: RestLimits) -> None:
        self._http = http
        self._limits = limits
        self._told = b""
        self._entries: dict[bytes, SymbolInfo | None] = {}
        self._symbols: Sequence[SymbolInfo] = ()

    async def ping(self) -> None:
        """Return when the exchange answers."""
        decode(await self._get("/api/v3/ping"), dict)

    async def server_time(self) -> int:
        """The exchange's clock, in milliseconds since the epoch."""
        return decode(await self._get("/api/v3/time"), ServerTime).server_time

    async def default_symbols(self) -> frozenset[str]:
        """The symbols that may be traded by API."""
        return frozenset(decode(await self._get("/api/v3/defaultSymbols"), DefaultSymbols).data)

    async def depth(self, symbol: str, limit: int = 100) -> OrderBook:
        """The order book of *symbol*, at most *limit* levels a side."""
        return decode(await self._get("/api/v3/depth", symbol=symbol, limit=str(limit)), OrderBook)

    async def book_ticker(self, symbol: str) -> BookTicker:
        """The best bid and ask of *symbol*."""
        return decode(await self._get("/api/v3/ticker/bookTicker", symbol=symbol), BookTicker)

    async def exchange_info(self) -> Sequence[SymbolInfo]:
        """Every symbol the exchange shows. The same object comes back while the exchange says the same."""
        body = await self._get("/api/v3/exchangeInfo")
        # The server's time comes first and differs in every answer; what follows rarely does.
        told = body.partition(b'"symbols"')[2]
        if not told or told != self._told:
            self._entries = await _entries(body, self._entries)
            self._symbols = tuple(info for info in self._entries.values() if info is not None)
            self._told = told
        return self._symbols

    async def _get(self, path: str, **params: str) -> bytes:
        return await get(self._http, self._limits, path, params)


async def _entries(body: bytes, known: Mapping[bytes, SymbolInfo | None]) -> dict[bytes, SymbolInfo | None]:
    """A digest of each entry as it was sent, and how it reads; one that is *known* to the letter is not read again.

    Entries kept as they were sent would take up memory anew with each answer, in pieces that break it up.
    """
    entries: dict[bytes, SymbolInfo | None] = {}
    for count, entry in enumerate(decode(body, ExchangeInfo).symbols, start=1):
        sent = blake2b(entry, digest_size=16).digest()
        entries[sent] = known[sent] if sent in known else symbol_info(entry)
        if count % _ENTRIES_PER_TURN == 0:
            await asyncio.sleep(0)  # Thousands of entries take longer than the loop may be held.
    if unnamed := sum(info is None for info in entries.values()):
        log.warning("exchangeInfo entries without a symbol", count=unnamed)
    return entries
