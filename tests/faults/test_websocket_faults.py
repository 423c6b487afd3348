"""Faults of the websocket, which lose no listing."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from ingest.source import Upcoming
from ingest.streams.ticker_stream import FRAME_BYTES_MAX
from shared.events import utc_now
from tests.support.fakes.streams import ACK, Server, Watch, sending, silence, tickers, watching
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@asynccontextmanager
async def watching_tickers(simulator: Simulator, **options: Any) -> AsyncIterator[Watch]:
    """Follow the tickers until all that was there before has been seen."""
    watch = Watch(simulator.ws_url, **options)
    async with watching(watch, watch.tickers()):
        await eventually(lambda: len(set(watch.symbols)) == 60)
        yield watch


def awaited(*symbols: str) -> Callable[[], Sequence[Upcoming]]:
    upcoming = [Upcoming(symbol, utc_now()) for symbol in symbols]
    return lambda: upcoming


async def test_silence_on_an_open_connection_is_noticed_and_what_was_listed_meanwhile_is_seen(
    simulator: Simulator,
) -> None:
    async with watching_tickers(simulator) as watch:
        await simulator.arm("ws_silence")
        await simulator.list_coin("MEANWHILEUSDT")
        await eventually(lambda: watch.metric("websocket_disconnects") >= 2)
        assert "MEANWHILEUSDT" not in watch.symbols

        await simulator.disarm()
        await eventually(lambda: "MEANWHILEUSDT" in watch.symbols)


async def test_silence_on_streams_that_are_always_silent_is_noticed_by_the_missing_pong(simulator: Simulator) -> None:
    await simulator.list_coin("QUIETUSDT", opens_in=60)
    watch = Watch(simulator.ws_url)
    async with watching(watch, watch.trades(awaited("QUIETUSDT"))):
        await eventually(watch.feed.is_known)
        await simulator.arm("ws_silence")
        await eventually(lambda: watch.metric("websocket_disconnects", "trades") >= 1)


async def test_no_listing_is_missed_while_sockets_are_killed_again_and_again(simulator: Simulator) -> None:
    listed = [f"KILL{number}USDT" for number in range(10)]
    async with watching_tickers(simulator) as watch:
        before = set(watch.symbols)
        for kills, symbol in enumerate(listed, 1):
            await simulator.list_coin(symbol)
            await eventually(partial(killed, simulator, watch, 5 * kills))
        await eventually(lambda: set(listed) <= set(watch.symbols))

        assert set(watch.symbols) == before | set(listed)


async def test_first_trades_are_not_missed_while_sockets_are_killed(simulator: Simulator) -> None:
    symbols = [f"KILL{number}USDT" for number in range(20)]
    for symbol in symbols:
        await simulator.list_coin(symbol, opens_in=1)
    watch = Watch(simulator.ws_url)
    async with watching(watch, watch.trades(awaited(*symbols))):
        for _ in range(10):
            await eventually(watch.feed.is_known)
            await simulator.arm("ws_disconnect")
        await eventually(lambda: set(watch.symbols) == set(symbols))

        assert len(watch.symbols) == len(symbols)


async def test_one_refused_subscription_of_many_is_noticed_and_asked_for_again(simulator: Simulator) -> None:
    symbols = [f"PART{number}USDT" for number in range(10)]
    for symbol in symbols:
        await simulator.list_coin(symbol, opens_in=1.5)
    await simulator.arm("ws_refuse_subscription", count=3)
    watch = Watch(simulator.ws_url)
    async with watching(watch, watch.trades(awaited(*symbols))):
        await eventually(lambda: "refused: Not Subscribed successfully!" in watch.feed.trouble())
        await eventually(lambda: watch.feed.trouble() == "")
        await eventually(lambda: set(watch.symbols) == set(symbols))

        assert watch.metric("subscription_refusals", "trades") >= 1
        assert watch.metric("websocket_disconnects", "trades") == 0


async def test_blocked_tickers_are_told_and_the_trades_carry_on(simulator: Simulator) -> None:
    await simulator.list_coin("ABCUSDT", opens_in=0.5)
    await simulator.arm("ws_refuse_subscription")
    tickers_watch, trades_watch = Watch(simulator.ws_url), Watch(simulator.ws_url)
    async with watching(tickers_watch, tickers_watch.tickers()):
        await eventually(lambda: "Blocked!" in tickers_watch.feed.trouble())
        async with watching(trades_watch, trades_watch.trades(awaited("ABCUSDT"))):
            await eventually(lambda: trades_watch.symbols == ["ABCUSDT"])
        await eventually(lambda: tickers_watch.feed.trouble() == "")


async def test_garbage_frames_are_counted_and_sampled_and_the_connection_survives(simulator: Simulator) -> None:
    async with watching_tickers(simulator) as watch:
        with capture_logs() as logs:
            await simulator.arm("ws_garbage_frame", count=10)
            await simulator.list_coin("AFTERUSDT")
            await eventually(lambda: "AFTERUSDT" in watch.symbols)
            await eventually(lambda: watch.metric("bad_frames") == 10)

        assert watch.metric("websocket_disconnects") == 0
        assert [told["begins_with"] for told in logs if told["event"] == "frame dropped"] == ["ff" * 64]


@pytest.mark.parametrize("size_bytes", [FRAME_BYTES_MAX + 1, 16 * FRAME_BYTES_MAX])
async def test_giant_frame_costs_the_connection_and_no_listing(simulator: Simulator, size_bytes: int) -> None:
    async with watching_tickers(simulator) as watch:
        await simulator.arm("ws_giant_frame", size_bytes=size_bytes)
        await simulator.list_coin("GIANTUSDT")
        await eventually(lambda: watch.metric("websocket_disconnects") >= 1)
        await eventually(lambda: "GIANTUSDT" in watch.symbols)


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
async def test_refused_handshake_is_tried_again(status: HTTPStatus) -> None:
    refused: list[Request] = []

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        if len(refused) == 3:
            return None
        refused.append(request)
        return connection.respond(status, "no")

    server = Server(sending(ACK, tickers("ABCUSDT"), then=silence))
    async with serve(server, "127.0.0.1", 0, process_request=refuse, close_timeout=0.2) as running:
        watch = Watch(f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}")
        async with watching(watch, watch.tickers()):
            await eventually(lambda: watch.symbols == ["ABCUSDT"])


async def killed(simulator: Simulator, watch: Watch, times: int) -> bool:
    """Cut every connection there is; return whether that makes it so many times."""
    await simulator.arm("ws_disconnect")
    return watch.metric("websocket_disconnects") >= times
