"""Scripted websocket server, and the frames of the exchange."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from prometheus_client import CollectorRegistry
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ingest.health.feed_health import Feed
from ingest.source import FirstTrade, Source, SourceEvent, SymbolNames, Upcoming
from ingest.streams.source_metrics import SourceMetrics
from ingest.streams.ticker_stream import CHANNEL, TickerStream
from ingest.streams.trade_stream import TradeStreams
from shared.mexc import wire_pb2
from shared.mexc.streams.connection import StreamOptions

Script = Callable[[ServerConnection], Awaitable[None]]
PONG = json.dumps({"id": 0, "code": 0, "msg": "PONG"})


def answer(message: str, request_id: int = 0) -> str:
    return json.dumps({"id": request_id, "code": 0, "msg": message})


def refusal(channels: Iterable[str]) -> str:
    """What MEXC says to a subscription it does not grant, a full-width colon and all."""
    return f"Not Subscribed successfully! [{','.join(channels)}].  Reason： Blocked! "


ACK = answer(CHANNEL)
REFUSAL = answer(refusal([CHANNEL]))


class Server:
    """Plays the next script on each connection, the last one for ever, and keeps what was sent to it."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.connections = 0
        self.open = 0
        self.received: list[str] = []

    async def __call__(self, connection: ServerConnection) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        self.open += 1
        with suppress(ConnectionClosed):
            # As the exchange does: first the question, then the answer.
            self.received.append(str(await connection.recv()))
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen(connection))
                try:
                    with suppress(ConnectionClosed):
                        await script(connection)
                finally:
                    listening.cancel()
        self.open -= 1

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.received if "params" in text]

    async def _listen(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                self.received.append(str(message))
                if "PING" in str(message):
                    await connection.send(PONG)


class Exchange:
    """A server that grants channels as MEXC does, pushes given frames, and can be made to refuse or fall silent."""

    def __init__(self) -> None:
        self.followed: dict[ServerConnection, set[str]] = {}
        """The channels of each open connection."""
        self.connections = 0
        self.refused: Counter[str] = Counter()
        """How many more times each channel is to be refused."""
        self.is_mute = False
        self.pings = 0

    async def __call__(self, connection: ServerConnection) -> None:
        self.connections += 1
        self.followed[connection] = set()
        with suppress(ConnectionClosed):
            async for text in connection:
                if not self.is_mute:
                    await connection.send(self._answer(self.followed[connection], json.loads(text)))
        del self.followed[connection]

    @property
    def channels(self) -> set[str]:
        return set().union(*self.followed.values())

    async def push(self, frame: bytes) -> None:
        """Send *frame* to every connection."""
        for connection in list(self.followed):
            await connection.send(frame)

    def cut(self) -> None:
        """Break every connection off."""
        for connection in self.followed:
            connection.transport.abort()

    def _answer(self, followed: set[str], request: dict[str, Any]) -> str:
        if request["method"] == "PING":
            self.pings += 1
            return PONG
        channels, request_id = request["params"], request["id"]
        if request["method"] == "UNSUBSCRIPTION":
            followed.difference_update(channels)
            return answer(",".join(channels), request_id)
        refused = [channel for channel in channels if self.refused[channel] > 0]
        self.refused.subtract(refused)
        followed.update(set(channels) - set(refused))
        return answer(refusal(refused) if refused else ",".join(channels), request_id)


class Watch:
    """A source at work on the websocket, and everything it reported."""

    def __init__(self, url: str, **options: Any) -> None:
        self.registry = CollectorRegistry()
        self.metrics = SourceMetrics(self.registry)
        self.feed = Feed("websocket", 60)
        self.evidence: list[SourceEvent] = []
        quick = {
            "ping_seconds": 0.1,
            "stall_seconds": 0.5,
            "io_seconds": 2,
            "retry_first_seconds": 0.02,
            "retry_max_seconds": 0.1,
        }
        self.options = StreamOptions(url, **quick | options)

    def tickers(self) -> TickerStream:
        return TickerStream(self.options, self.feed, self.metrics)

    def trades(self, upcoming: Callable[[], Sequence[Upcoming]], connections_max: int = 2) -> TradeStreams:
        return TradeStreams(self.options, connections_max, upcoming, self.feed, self.metrics)

    async def report(self, evidence: SourceEvent) -> bool:
        self.evidence.append(evidence)
        return True

    @property
    def symbols(self) -> list[str]:
        """Every name reported, in turn."""
        return [name for each in self.evidence for name in names_of(each)]

    def metric(self, name: str, stream: str = "tickers") -> float:
        return self.registry.get_sample_value(f"sniper_ingest_{name}_total", {"stream": stream}) or 0


def names_of(evidence: SourceEvent) -> Iterable[str]:
    match evidence:
        case SymbolNames():
            return sorted(evidence.symbols)
        case FirstTrade():
            return [evidence.symbol]
        case _:
            raise AssertionError(f"not from a websocket: {evidence}")


@asynccontextmanager
async def listening(server: Script) -> AsyncIterator[str]:
    """Run *server* on a free port for the time of the block; yield its URL."""
    async with serve(server, "127.0.0.1", 0, close_timeout=0.2) as running:
        yield f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}/ws"


@asynccontextmanager
async def watching(watch: Watch, source: Source) -> AsyncIterator[Watch]:
    """Let *source* report to *watch* for the time of the block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(source.watch(watch.report))
        try:
            yield watch
        finally:
            task.cancel()


@asynccontextmanager
async def following(server: Server, **options: Any) -> AsyncIterator[Watch]:
    """Follow the tickers of *server* for the time of the block."""
    async with listening(server) as url:
        watch = Watch(url, **options)
        async with watching(watch, watch.tickers()):
            yield watch


def tickers(*symbols: str, channel: str = CHANNEL, price: str = "1.5") -> bytes:
    """A mini-tickers frame, in which everything costs the same."""
    push = wire_pb2.PushDataV3ApiWrapper(channel=channel, sendTime=1_700_000_000_000)
    for symbol in symbols:
        push.publicMiniTickers.items.add(symbol=symbol, price=price, rate="0.1", volume="12")
    return push.SerializeToString()


def deals(symbol: str, *prices_and_quantities: tuple[str, str], times: Sequence[int] = ()) -> bytes:
    """A frame of the symbol's deals, made one after another unless *times* says otherwise."""
    channel = f"spot@public.aggre.deals.v3.api.pb@10ms@{symbol}"
    push = wire_pb2.PushDataV3ApiWrapper(channel=channel, symbol=symbol)
    push.publicAggreDeals.eventType = "spot@public.aggre.deals.v3.api.pb@10ms"
    moments = times or range(len(prices_and_quantities))
    for (price, quantity), time in zip(prices_and_quantities, moments, strict=True):
        push.publicAggreDeals.deals.add(price=price, quantity=quantity, tradeType=1, time=time)
    return push.SerializeToString()


def book(symbol: str, bid: tuple[str, str] = ("", ""), ask: tuple[str, str] = ("", "")) -> bytes:
    """A frame of the symbol's best prices, each with its quantity."""
    channel = f"spot@public.aggre.bookTicker.v3.api.pb@10ms@{symbol}"
    push = wire_pb2.PushDataV3ApiWrapper(channel=channel, symbol=symbol)
    quote = push.publicAggreBookTicker
    (quote.bidPrice, quote.bidQuantity), (quote.askPrice, quote.askQuantity) = bid, ask
    quote.version = "1"
    return push.SerializeToString()


def sending(*messages: str | bytes, then: Script) -> Script:
    async def script(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await then(connection)

    return script


async def silence(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def hang_up(connection: ServerConnection) -> None:
    await connection.close()


async def reset(connection: ServerConnection) -> None:
    connection.transport.abort()
