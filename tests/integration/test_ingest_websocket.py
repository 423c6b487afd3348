"""The ticker stream against servers that misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from prometheus_client import CollectorRegistry
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from ingest.evidence import Evidence, Names
from ingest.feeds import Feed, Feeds
from ingest.metrics import Metrics
from ingest.websocket import CHANNEL, FRAME_BYTES_MAX, StreamOptions, TickerStream
from shared.events import Source, utc_now
from shared.mexc import wire_pb2
from tests.waiting import eventually

ACK = json.dumps({"id": 0, "code": 0, "msg": CHANNEL})
REFUSAL = json.dumps({"id": 0, "code": 0, "msg": f"Not Subscribed successfully! [{CHANNEL}].  Reason： Blocked! "})

Script = Callable[[ServerConnection], Awaitable[None]]


class Server:
    """Plays the next script on each connection, the last one for ever, and keeps what was sent to it."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.connections = 0
        self.received: list[str | bytes] = []

    async def __call__(self, connection: ServerConnection) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        with suppress(ConnectionClosed):
            # As the exchange does: first the question, then the answer.
            self.received.append(await connection.recv())
            async with asyncio.TaskGroup() as tasks:
                listening = tasks.create_task(self._listen(connection))
                try:
                    with suppress(ConnectionClosed):
                        await script(connection)
                finally:
                    listening.cancel()

    async def _listen(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                self.received.append(message)


class Stream:
    """A ticker stream at work, and everything it reported."""

    def __init__(self, port: int) -> None:
        self.registry = CollectorRegistry()
        self.feed = Feed("websocket", 60)
        self.evidence: list[Names] = []
        options = StreamOptions(
            f"ws://127.0.0.1:{port}/ws",
            ping_seconds=0.1,
            stall_seconds=0.5,
            io_seconds=2,
            retry_first_seconds=0.02,
            retry_max_seconds=0.1,
        )
        metrics = Metrics(self.registry, Feeds(self.feed, Feed("defaultSymbols", 60), Feed("exchangeInfo", 60)))
        self.source = TickerStream(options, self.feed, metrics)

    async def report(self, evidence: Evidence) -> bool:
        assert isinstance(evidence, Names)
        self.evidence.append(evidence)
        return True

    @property
    def symbols(self) -> list[str]:
        return [symbol for each in self.evidence for symbol in each.symbols]

    def metric(self, name: str) -> float:
        return self.registry.get_sample_value(f"sniper_ingest_{name}_total") or 0


@asynccontextmanager
async def following(server: Server) -> AsyncIterator[Stream]:
    async with serve(server, "127.0.0.1", 0, close_timeout=0.2) as listening, asyncio.TaskGroup() as tasks:
        stream = Stream(next(iter(listening.sockets)).getsockname()[1])
        watching = tasks.create_task(stream.source.watch(stream.report))
        try:
            yield stream
        finally:
            watching.cancel()


def frame(*symbols: str) -> bytes:
    push = wire_pb2.PushDataV3ApiWrapper(channel=CHANNEL)
    for symbol in symbols:
        push.publicMiniTickers.items.add(symbol=symbol, price="1")
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


async def test_frames_become_evidence_stamped_when_they_arrived() -> None:
    before = utc_now()
    async with following(Server(sending(ACK, frame("BTCUSDT", "ABCUSDT"), then=silence))) as stream:
        await eventually(lambda: stream.evidence)

    [evidence] = stream.evidence
    assert evidence.source is Source.MEXC_WEBSOCKET
    assert evidence.symbols == {"BTCUSDT", "ABCUSDT"}
    assert before <= evidence.observed_at <= utc_now()


async def test_stream_asks_for_the_tickers_and_pings_on_its_own_clock() -> None:
    server = Server(sending(ACK, frame("BTCUSDT"), then=silence))
    async with following(server):
        await eventually(lambda: server.received.count('{"method":"PING"}') >= 3)

    first = server.received[0]
    assert json.loads(first) == {"method": "SUBSCRIPTION", "params": [CHANNEL]}


async def test_answers_to_pings_are_neither_data_nor_errors() -> None:
    pong = json.dumps({"id": 0, "code": 0, "msg": "PONG"})
    server = Server(sending(pong, ACK, pong, frame("BTCUSDT"), then=silence))
    async with following(server) as stream:
        await eventually(lambda: stream.evidence)

        assert server.connections == 1
        assert stream.metric("bad_frames") == 0


async def test_refused_subscription_is_told_although_its_code_is_zero_and_tried_again() -> None:
    server = Server(sending(REFUSAL, then=silence))
    async with following(server) as stream:
        await eventually(lambda: "subscription refused: Not Subscribed" in stream.feed.trouble())
        assert "Reason： Blocked!" in stream.feed.trouble()

        server.scripts = [sending(ACK, frame("BTCUSDT"), then=silence)]
        await eventually(lambda: stream.evidence)
        assert stream.feed.trouble() == ""


async def test_garbage_is_counted_and_dropped_and_the_connection_survives() -> None:
    garbage = (b"", b"\xff" * 64, "<html>", '{"msg":7}')
    server = Server(sending(*garbage, ACK, b"\x08\x96\x01", frame("BTCUSDT"), then=silence))
    async with following(server) as stream:
        await eventually(lambda: stream.evidence)

        assert server.connections == 1
        assert stream.metric("bad_frames") == 5
        assert stream.symbols == ["BTCUSDT"]


async def test_text_that_is_not_utf8_costs_only_the_connection() -> None:
    async def lie(connection: ServerConnection) -> None:
        await connection.send(b"\xff\xfe", text=True)
        await silence(connection)

    async with following(Server(lie, sending(ACK, frame("BTCUSDT"), then=silence))) as stream:
        await eventually(lambda: stream.symbols == ["BTCUSDT"])


@pytest.mark.parametrize("first", [(), (ACK,), (ACK, b"\xff" * 8)])
async def test_open_connection_without_data_is_given_up(first: tuple[str | bytes, ...]) -> None:
    server = Server(sending(*first, then=silence), sending(ACK, frame("ABCUSDT"), then=silence))
    async with following(server) as stream:
        await eventually(lambda: stream.symbols == ["ABCUSDT"])

    assert server.connections == 2


@pytest.mark.parametrize("noise", ['{"id":0,"code":0,"msg":"PONG"}', b"\xff" * 8])
async def test_noise_does_not_hide_a_stall(noise: str | bytes) -> None:
    async def make_noise(connection: ServerConnection) -> None:
        await connection.send(ACK)
        while True:
            await asyncio.sleep(0.02)
            await connection.send(noise)

    server = Server(make_noise, sending(ACK, frame("ABCUSDT"), then=silence))
    async with following(server) as stream:
        await eventually(lambda: stream.symbols == ["ABCUSDT"])


@pytest.mark.parametrize("end", [hang_up, reset])
async def test_lost_connection_is_made_again_and_subscribed_again(end: Script) -> None:
    server = Server(sending(ACK, frame("AAAUSDT"), then=end), sending(ACK, frame("BBBUSDT"), then=silence))
    async with following(server) as stream:
        await eventually(lambda: stream.symbols == ["AAAUSDT", "BBBUSDT"])

        assert stream.metric("websocket_disconnects") == 1
        assert len([text for text in server.received if "SUBSCRIPTION" in str(text)]) == 2


async def test_giant_frame_costs_only_the_connection() -> None:
    server = Server(
        sending(ACK, b"\x00" * (FRAME_BYTES_MAX + 1), then=silence), sending(ACK, frame("BTCUSDT"), then=silence)
    )
    async with following(server) as stream:
        await eventually(lambda: stream.symbols == ["BTCUSDT"])


async def test_server_that_is_not_there_yet_is_tried_until_it_is() -> None:
    async with serve(hang_up, "127.0.0.1", 0) as closing:
        port = next(iter(closing.sockets)).getsockname()[1]
    stream = Stream(port)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(stream.source.watch(stream.report))
        await eventually(lambda: stream.metric("websocket_disconnects") >= 2)
        async with serve(Server(sending(ACK, frame("BTCUSDT"), then=silence)), "127.0.0.1", port, close_timeout=0.2):
            await eventually(lambda: stream.evidence)
            watching.cancel()


async def test_bug_in_what_follows_is_not_taken_for_a_lost_connection() -> None:
    async def fail(_: Evidence) -> bool:
        raise RuntimeError("a bug")

    async with serve(Server(sending(ACK, frame("BTCUSDT"), then=silence)), "127.0.0.1", 0, close_timeout=0.2) as server:
        stream = Stream(next(iter(server.sockets)).getsockname()[1])
        with pytest.raises(RuntimeError, match="a bug"):
            async with asyncio.timeout(5):
                await stream.source.watch(fail)
