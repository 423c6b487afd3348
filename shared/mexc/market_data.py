"""Client of MEXC's public REST endpoints."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Final

import httpx
import msgspec
import structlog

from shared.mexc.announcement_payloads import Notice, Notices, notice
from shared.mexc.chunked_json import DESCRIPTIONS, NAMES, chunks_of, is_unchanged
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.http.request import DEFAULT_LIMITS, RestLimits, ask, connect_http, decode, get_segments, unlimited
from shared.mexc.payloads import UNREADABLE, BookTicker, OrderBook, PublicTrade, ServerTime, order_book, public_trade
from shared.mexc.request_batching import RequestBatcher
from shared.mexc.symbol_payloads import DefaultSymbolsOfAnyKind, ExchangeInfo, names_among, symbol_info
from shared.mexc.symbols import SymbolInfo, all_normalised

log = structlog.get_logger(__name__)

_Entries = dict[bytes, SymbolInfo | None]

_INFO: Final = "/api/v3/exchangeInfo"

_ENTRIES_PER_TURN: Final = 125
"""Entries of an answer that is not chunked."""
_NOTICES_MAX: Final = 20


@asynccontextmanager
async def connect_market_data(base_url: str, limits: RestLimits = DEFAULT_LIMITS) -> AsyncIterator["MexcMarketData"]:
    """Open a client of the exchange at *base_url*, for example https://api.mexc.com."""
    async with connect_http(base_url, limits) as http:
        yield MexcMarketData(http, limits)


class MexcMarketData:
    """Public market data. Every method raises ExchangeUnavailable, ExchangeRejected or RateLimited."""

    def __init__(self, http: httpx.AsyncClient, limits: RestLimits) -> None:
        self._http = http
        self._limits = limits
        self._names_limits = replace(limits, total_seconds=min(limits.names_seconds, limits.total_seconds))
        self._described: Sequence[bytes] = ()
        self._named: Sequence[bytes] = ()
        self._names: frozenset[str] = frozenset()
        self._entries: _Entries = {}
        self._symbols: Collection[SymbolInfo] = ()
        self._unread: frozenset[str] = frozenset()
        self._rules = RequestBatcher(self._rules_of, partial(limits.admission, "GET", _INFO))

    async def ping(self) -> None:
        """Return when the exchange answers."""
        decode(await self._get("/api/v3/ping"), dict)

    async def server_time(self) -> int:
        """Return the exchange's time, in milliseconds since the epoch."""
        answer = decode(await self._get("/api/v3/time"), ServerTime)
        if not answer.is_possible:
            raise ExchangeUnavailable(f"a time that cannot be: {answer.server_time}")
        return answer.server_time

    async def default_symbols(self) -> frozenset[str]:
        """Return the symbols tradable by API. The same object is returned while the answer does not change."""
        segments = await get_segments(self._http, self._names_limits, "/api/v3/defaultSymbols", {})
        if not await is_unchanged(segments, self._named, NAMES):
            self._names = await _names(segments)
            self._named = segments
        return self._names

    async def depth(self, symbol: str, limit: int = 100) -> OrderBook:
        """Return the order book of *symbol*, at most *limit* levels a side."""
        body = await self._get("/api/v3/depth", symbol=symbol, limit=str(limit))
        with suppress(*UNREADABLE):
            return order_book(body)
        return decode(body, OrderBook)  # Raises with the cause.

    async def book_tickers(self) -> Sequence[BookTicker]:
        """Return the best bid and ask of every symbol, without unreadable ones."""
        tickers = []
        for count, entry in enumerate(decode(await self._get("/api/v3/ticker/bookTicker"), list[msgspec.Raw]), start=1):
            with suppress(*UNREADABLE):
                tickers.append(msgspec.json.decode(entry, type=BookTicker))
            if count % _ENTRIES_PER_TURN == 0:
                await asyncio.sleep(0)
        return tickers

    async def recent_trades(self, symbol: str, limit: int = 1000) -> Sequence[PublicTrade]:
        """Return the last trades of *symbol*, oldest first, without those of unreadable price or time."""
        body = await self._get("/api/v3/trades", symbol=symbol, limit=str(limit))
        trades = [public_trade(entry) for entry in decode(body, list[msgspec.Raw])]
        return sorted((trade for trade in trades if trade is not None), key=lambda trade: trade.traded_at)

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        """Return the present rules of *symbol*; None for an unknown one.

        The weight is the same for one symbol and for many: concurrent calls share a request.
        """
        found = await self._rules.of(symbol)
        if found is not None and (unread := set(found.filters_unread.split()) - self._unread):
            self._unread |= unread
            log.warning("filters of exchangeInfo that are not known", symbol=symbol, filters=sorted(unread))
        return found

    async def exchange_info(self) -> Collection[SymbolInfo]:
        """Return a description of every symbol. The same object is returned while the answer does not change."""
        segments = await get_segments(self._http, self._limits, _INFO, {})
        if not await is_unchanged(segments, self._described, DESCRIPTIONS):
            self._entries = await _entries(segments, self._entries)
            await asyncio.sleep(0)  # The previous entries are freed here, which takes a turn of its own.
            self._symbols = await _readable(self._entries)
            self._described = segments
            await asyncio.sleep(0)
        return self._symbols

    async def notices(self) -> Sequence[Notice]:
        """Return the newest announcements of the exchange."""
        body = await self._get("/api/v3/announcements", language="en-US", page="1", limit=str(_NOTICES_MAX))
        entries = [entry for page in decode(body, Notices).data for entry in page.details[:_NOTICES_MAX]]
        return [each for each in map(notice, entries) if each is not None]

    async def _rules_of(self, symbols: Sequence[str]) -> Mapping[str, SymbolInfo]:
        named = {"symbol": symbols[0]} if len(symbols) == 1 else {"symbols": ",".join(symbols)}
        body = await ask(self._http, replace(self._limits, admission=unlimited), _INFO, named)
        infos = (symbol_info(entry) for entry in decode(body, ExchangeInfo).symbols)
        return {info.symbol: info for info in infos if info is not None}

    async def _get(self, path: str, **params: str) -> bytes:
        return await ask(self._http, self._limits, path, params)


async def _names(segments: Sequence[bytes]) -> frozenset[str]:
    names = set[str]()
    try:
        for piece in chunks_of(segments, NAMES):
            names |= all_normalised(set(piece))
            await asyncio.sleep(0)
    except ExchangeUnavailable:
        entries = decode(b"".join(segments), DefaultSymbolsOfAnyKind).data
        readable = names_among(entries)
        if entries and not readable:
            raise  # No readable name at all: this is no list of names.
        log.warning("names that cannot be read", count=len(entries) - len(readable))
        names = all_normalised(set(readable))
    whole = frozenset(names)
    await asyncio.sleep(0)
    return whole


async def _readable(entries: _Entries) -> Collection[SymbolInfo]:
    """Return values of a dictionary, which the garbage collector skips; it scans a tuple of thousands."""
    symbols = dict[str, SymbolInfo]()
    for count, info in enumerate(entries.values()):
        if count % _ENTRIES_PER_TURN == 0:
            await asyncio.sleep(0)
        if info is not None:
            symbols[info.symbol] = info
    return symbols.values()


async def _entries(segments: Sequence[bytes], known: _Entries) -> _Entries:
    """Return the descriptions by digest of their entries; entries that are *known* are not decoded again.

    Stored entries would take memory anew with each answer, and fragment it.
    """
    entries: _Entries = {}
    for piece in chunks_of(segments, DESCRIPTIONS):
        for count, entry in enumerate(piece):
            if count % _ENTRIES_PER_TURN == 0:
                await asyncio.sleep(0)
            sent = blake2b(entry, digest_size=16).digest()
            entries[sent] = known[sent] if sent in known else symbol_info(entry)
    await asyncio.sleep(0)
    if unnamed := sum(info is None for info in entries.values()):
        log.warning("exchangeInfo entries without a symbol", count=unnamed)
    return entries
