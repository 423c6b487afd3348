"""Minimal exchange for benchmarks, which takes both timestamps of a sample."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple, Never

import msgspec
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

from bench.exchange.account import ORDER_PATH, TEST_PATH, Account
from bench.exchange.http_wire import Request, answer, parse_head
from bench.exchange.market import DEPTH_PATH, NAMES_PATH, Market
from bench.figures import BenchmarkError
from ingest.streams.ticker_stream import CHANNEL

TIME_PATH: Final = "/api/v3/time"
INFO_PATH: Final = "/api/v3/exchangeInfo"
LOST_SECONDS: Final = 10.0
LISTED_SECONDS: Final = 1.5
"""Time until every newcomer has been polled, seen a second time and stored."""
QUIET_SECONDS: Final = 1.0
"""Interval of frames without newcomers."""


class Instant(NamedTuple):
    """One instant, by the machine-wide monotonic clock and by the wall clock."""

    monotonic_ns: int
    wall_seconds: float

    @classmethod
    def now(cls) -> "Instant":
        return cls(time.monotonic_ns(), time.time())


@dataclass(frozen=True, slots=True)
class Journey:
    """A sample, from its start to the arrival of its order."""

    symbol: str
    started: Instant
    ordered: Instant

    @property
    def ms(self) -> float:
        return (self.ordered.monotonic_ns - self.started.monotonic_ns) / 1e6


class _Asked(msgspec.Struct):
    """Request on the websocket."""

    method: str
    params: Sequence[str] = ()
    id: int = 0


class Venue:
    """Publishes coins and records the arrival of an order for each."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._answers = {path: answer(body) for path, body in market.bodies().items()}
        self._account = Account()
        self._awaited: dict[str, asyncio.Future[Instant]] = {}
        self._followers: set[ServerConnection] = set()
        self._channels: dict[str, ServerConnection] = {}
        self._unawaited: list[str] = []
        self.followers = 1
        """Connections that are to follow the frames."""
        self._books: dict[str, bytes] = {}
        self.http_port = 0
        self.ws_port = 0

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.ws_port}/ws"

    async def show(self, symbol: str) -> Journey:
        """Send a frame in which *symbol* is new and follow it to its order."""
        ordered = self.expect(symbol)
        return await self.arrival(symbol, await self.push(symbol), ordered)

    async def push(self, symbol: str) -> Instant:
        """Send a frame in which *symbol* is new; return the time."""
        frame = self._market.frame(symbol)
        if len(self._followers) != self.followers:
            raise BenchmarkError(f"{len(self._followers)} connections follow the frames instead of {self.followers}")
        started = Instant.now()
        for follower in tuple(self._followers):
            await follower.send(frame)
        return started

    def is_followed(self) -> bool:
        """Return whether all that are to follow the frames do."""
        return len(self._followers) == self.followers

    def follows(self, channel: str) -> bool:
        """Return whether a connection follows *channel*."""
        return channel in self._channels

    async def quote(self, symbol: str, price: Decimal, version: int) -> Instant:
        """Push the best prices of *symbol* to its follower; return the time."""
        channel, frame = self._market.quote(symbol, price, version)
        started = Instant.now()
        await self._channels[channel].send(frame)
        return started

    def reprice(self, symbol: str, price: Decimal) -> None:
        """Let the book of *symbol* stand at *price*."""
        self._books[symbol] = answer(self._market.book(price))

    async def list_newcomers(self) -> None:
        """Show the newcomers by REST, too, and wait until they are processed.

        Ingest accepts only a few dozen coins that no list shows.
        """
        self._market.list_newcomers()
        self._answers[NAMES_PATH] = answer(self._market.names())
        await asyncio.sleep(LISTED_SECONDS)

    def expect(self, symbol: str) -> asyncio.Future[Instant]:
        """Return a future of the arrival of an order for *symbol*."""
        return self._awaited.setdefault(symbol, asyncio.get_running_loop().create_future())

    async def arrival(self, symbol: str, started: Instant, ordered: asyncio.Future[Instant]) -> Journey:
        """Wait for the order; raise BenchmarkError if none comes, or if an unexpected one came."""
        try:
            async with asyncio.timeout(LOST_SECONDS):
                journey = Journey(symbol, started, await ordered)
        except TimeoutError:
            raise BenchmarkError(f"sample lost: no order for {symbol} within {LOST_SECONDS:.0f} s") from None
        if self._unawaited:
            raise BenchmarkError(f"orders nobody waits for: {', '.join(self._unawaited)}")
        return journey

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one HTTP connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                arrived = Instant.now()  # Before parsing, so that a longer request counts as no later.
                request = parse_head(head)
                await reader.readexactly(request.body_bytes)
                writer.write(self._answer(request, arrived))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, request: Request, arrived: Instant) -> bytes:
        if request.method == "POST" and request.path in {ORDER_PATH, TEST_PATH}:
            ordered = self._awaited.pop(request.symbol, None)
            if ordered is None:
                self._unawaited.append(request.symbol)
            elif not ordered.done():
                ordered.set_result(arrived)
            return self._account.take(request) if request.path == ORDER_PATH else answer(b"{}")
        if request.path == TIME_PATH:
            return answer(msgspec.json.encode({"serverTime": int(arrived.wall_seconds * 1000)}))
        if request.path == INFO_PATH and request.symbol:
            return answer(self._market.info(request.symbol))
        if request.path == DEPTH_PATH and request.symbol in self._books:
            return self._books[request.symbol]
        account_answer = self._account.answer(request)
        return self._answers[request.path] if account_answer is None else account_answer

    async def follow(self, connection: ServerConnection) -> None:
        """Serve one websocket."""
        try:
            async for text in connection:
                asked = msgspec.json.decode(text, type=_Asked)
                message = "PONG" if asked.method == "PING" else ",".join(asked.params)
                await connection.send(msgspec.json.encode({"id": asked.id, "code": 0, "msg": message}).decode())
                if asked.method == "SUBSCRIPTION":
                    self._channels |= dict.fromkeys(asked.params, connection)
                if asked.method == "SUBSCRIPTION" and CHANNEL in asked.params:
                    self._followers.add(connection)
                    await connection.send(self._market.frame())
        except ConnectionClosed:
            pass
        finally:
            self._followers.discard(connection)

    async def keep_pushing(self) -> Never:
        """Push frames without newcomers, until cancelled."""
        while True:
            await asyncio.sleep(QUIET_SECONDS)
            broadcast(self._followers, self._market.frame())


@asynccontextmanager
async def open_venue() -> AsyncIterator[Venue]:
    """Serve a venue on two free ports of this machine."""
    venue = Venue(Market())
    http = await asyncio.start_server(venue.speak, "127.0.0.1", 0)
    async with http, serve(venue.follow, "127.0.0.1", 0, compression=None) as stream:
        venue.http_port, venue.ws_port = _port(http), _port(stream)
        pushing = asyncio.create_task(venue.keep_pushing(), name="venue-push")
        try:
            yield venue
        finally:
            pushing.cancel()


def _port(server: asyncio.Server | Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port
