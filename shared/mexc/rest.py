"""Everything asked of MEXC over REST that is not an order."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx
import msgspec
import structlog

from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.payloads import (
    BookTicker,
    DefaultSymbols,
    ExchangeInfo,
    OrderBook,
    Refusal,
    ServerTime,
    symbol_info,
)
from shared.mexc.symbols import SymbolInfo

T = TypeVar("T")
log = structlog.get_logger(__name__)

_ENTRIES_PER_TURN: Final = 250
_WRAPPER_SUCCESS: Final = frozenset({0, 200})
_TOO_OFTEN: Final = frozenset({418, 429})
_REFUSAL_BYTES_MAX: Final = 64 * 1024
_BAN_SECONDS_MAX: Final = 3 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class RestLimits:
    """Bounds on one request."""

    connect_seconds: float = 3.0
    total_seconds: float = 10.0
    body_bytes_max: int = 32 * 1024 * 1024
    connections_max: int = 10


@asynccontextmanager
async def connect_rest(base_url: str, limits: RestLimits = RestLimits()) -> AsyncIterator["MexcRest"]:
    """Open a client of the exchange at *base_url*, for example https://api.mexc.com."""
    async with httpx.AsyncClient(
        base_url=base_url,
        # A proxy or a netrc found in the environment has no say in what the exchange is told.
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(limits.total_seconds, connect=limits.connect_seconds),
        limits=httpx.Limits(max_connections=limits.connections_max),
    ) as http:
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
        _decode(await self._get("/api/v3/ping"), dict)

    async def server_time(self) -> int:
        """The exchange's clock, in milliseconds since the epoch."""
        return _decode(await self._get("/api/v3/time"), ServerTime).server_time

    async def default_symbols(self) -> frozenset[str]:
        """The symbols that may be traded by API."""
        return frozenset(_decode(await self._get("/api/v3/defaultSymbols"), DefaultSymbols).data)

    async def depth(self, symbol: str, limit: int = 100) -> OrderBook:
        """The order book of *symbol*, at most *limit* levels a side."""
        return _decode(await self._get("/api/v3/depth", symbol=symbol, limit=str(limit)), OrderBook)

    async def book_ticker(self, symbol: str) -> BookTicker:
        """The best bid and ask of *symbol*."""
        return _decode(await self._get("/api/v3/ticker/bookTicker", symbol=symbol), BookTicker)

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
        try:
            async with (
                asyncio.timeout(self._limits.total_seconds),
                self._http.stream("GET", path, params=params) as response,
            ):
                body = await _bounded_body(response, self._limits.body_bytes_max)
        except TimeoutError as error:
            raise ExchangeUnavailable(f"{path}: no answer within {self._limits.total_seconds:g} s") from error
        except httpx.HTTPError as error:
            raise ExchangeUnavailable(f"{path}: {type(error).__name__}") from error
        _raise_for_refusal(path, response, body)
        return body


async def _bounded_body(response: httpx.Response, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > bytes_max:
            raise ExchangeUnavailable(f"{response.url.path}: the answer is larger than {bytes_max} bytes")
    return bytes(body)


def _raise_for_refusal(path: str, response: httpx.Response, body: bytes) -> None:
    status = response.status_code
    if status in _TOO_OFTEN:
        raise RateLimited(_retry_after_seconds(response.headers.get("retry-after")))
    if status != 200 and not 400 <= status < 500:
        raise ExchangeUnavailable(f"{path}: HTTP {status}")
    refusal = _refusal(body)
    if refusal is not None and refusal.code in _TOO_OFTEN:
        raise RateLimited
    if refusal is not None and not (status == 200 and refusal.code in _WRAPPER_SUCCESS):
        raise ExchangeRejected(refusal.code, refusal.msg or "")
    if status != 200:
        raise ExchangeUnavailable(f"{path}: HTTP {status}")


def _refusal(body: bytes) -> Refusal | None:
    if len(body) > _REFUSAL_BYTES_MAX:  # Too long to be one, and too long to be read twice.
        return None
    try:
        return msgspec.json.decode(body, type=Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _retry_after_seconds(header: str | None) -> float | None:
    if header is None or not (header.isascii() and header.isdecimal()):
        return None
    return min(float(header), _BAN_SECONDS_MAX)


def _decode(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExchangeUnavailable(f"not the answer that was asked for: {error}") from error


async def _entries(body: bytes, known: Mapping[bytes, SymbolInfo | None]) -> dict[bytes, SymbolInfo | None]:
    """Each entry as it was sent, and as it reads; one that is *known* to the letter is not read again."""
    entries: dict[bytes, SymbolInfo | None] = {}
    for count, entry in enumerate(_decode(body, ExchangeInfo).symbols, start=1):
        sent = bytes(entry)
        entries[sent] = known[sent] if sent in known else symbol_info(entry)
        if count % _ENTRIES_PER_TURN == 0:
            await asyncio.sleep(0)  # Thousands of entries take longer than the loop may be held.
    if unnamed := sum(info is None for info in entries.values()):
        log.warning("exchangeInfo entries without a symbol", count=unnamed)
    return entries
