"""The simulator's websocket: acknowledgements, pushes, closings and faults."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from shared.mexc import wire_pb2
from tests.support.running.simulators import Simulator, simulator_in_this_process

TICKERS = "spot@public.miniTickers.v3.api.pb@UTC+8"
ANSWER_SECONDS = 5


class Line:
    """One websocket to the simulator."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def ask(self, method: str, *params: str) -> str:
        """The message of the answer to a control frame, passing over pushes."""
        await self.socket.send(json.dumps({"method": method, "params": params}))
        while isinstance(frame := await self.receive(), bytes):
            continue
        answer: dict[str, Any] = json.loads(frame)
        assert answer["code"] == 0
        return str(answer["msg"])

    async def push(self) -> "wire_pb2.PushDataV3ApiWrapper":
        frame = await self.receive()
        assert isinstance(frame, bytes)
        return wire_pb2.PushDataV3ApiWrapper.FromString(frame)

    async def push_with(self, symbol: str) -> "wire_pb2.PublicMiniTickerV3Api":
        """The first ticker of *symbol* to come."""
        while True:
            for item in (await self.push()).publicMiniTickers.items:
                if item.symbol == symbol:
                    return item

    async def receive(self) -> str | bytes:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self.socket.recv()


async def falls_silent(line: Line) -> bool:
    """Whether, after what is on its way, as long as six pushes take passes without one."""
    for _ in range(20):
        try:
            async with asyncio.timeout(0.3):
                await line.socket.recv()
        except TimeoutError:
            return True
    return False


@asynccontextmanager
async def connected(simulator: Simulator) -> AsyncIterator[Line]:
    async with websockets.connect(simulator.ws_url) as socket:
        yield Line(socket)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@pytest.fixture
async def line(simulator: Simulator) -> AsyncIterator[Line]:
    async with connected(simulator) as line:
        yield line


async def test_subscription_and_ping_are_acknowledged(line: Line) -> None:
    assert await line.ask("SUBSCRIPTION", TICKERS) == TICKERS
    assert await line.ask("PING") == "PONG"
    assert "Blocked!" in await line.ask("SUBSCRIPTION", "spot@public.nonsense")


async def test_every_symbol_is_pushed_within_a_full_round(line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)
    seen = set[str]()

    while len(seen) < 60:
        frame = await line.push()
        assert frame.channel == TICKERS
        seen |= {item.symbol for item in frame.publicMiniTickers.items}


async def test_most_pushes_hold_only_what_has_changed(line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)

    sizes = [len((await line.push()).publicMiniTickers.items) for _ in range(10)]

    assert sorted(sizes)[4] < 30
    assert max(sizes) == 60


async def test_newcomer_is_pushed_once_it_opens(simulator: Simulator, line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)
    await simulator.list_coin("NEWUSDT", price="0.5")

    assert (await line.push_with("NEWUSDT")).price == "0.5"


async def test_listed_symbol_is_not_pushed_before_it_opens(simulator: Simulator, line: Line) -> None:
    await simulator.list_coin("WAITUSDT", opens_in=60)
    await line.ask("SUBSCRIPTION", TICKERS)

    pushed = [item.symbol for _ in range(12) for item in (await line.push()).publicMiniTickers.items]

    assert "BTCUSDT" in pushed
    assert "WAITUSDT" not in pushed


async def test_deals_start_with_the_opening_trade(simulator: Simulator, line: Line) -> None:
    channel = "spot@public.aggre.deals.v3.api.pb@10ms@DEALUSDT"
    await line.ask("SUBSCRIPTION", channel)
    listed = await simulator.list_coin("DEALUSDT", opens_in=0.3, price="2")

    frame = await line.push()

    [deal] = frame.publicAggreDeals.deals
    assert (frame.channel, frame.symbol, deal.price, deal.time) == (channel, "DEALUSDT", "2", listed["opens_at_ms"])


async def test_book_ticker_shows_asks_before_the_opening_and_bids_after(simulator: Simulator, line: Line) -> None:
    await line.ask("SUBSCRIPTION", "spot@public.aggre.bookTicker.v3.api.pb@10ms@BOOKUSDT")
    await simulator.list_coin("BOOKUSDT", opens_in=0.3, price="2")

    before, after = [(await line.push()).publicAggreBookTicker for _ in range(2)]

    assert (before.bidPrice, before.askPrice) == ("", "2.001")
    assert after.bidPrice < after.askPrice == "2.001"


async def test_single_mini_ticker_is_pushed_for_its_symbol(line: Line) -> None:
    await line.ask("SUBSCRIPTION", "spot@public.miniTicker.v3.api.pb@ETHUSDT@UTC+8")

    assert (await line.push()).publicMiniTicker.symbol == "ETHUSDT"


async def test_nothing_is_pushed_after_unsubscribing(line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)
    assert await line.ask("UNSUBSCRIPTION", TICKERS) == TICKERS

    assert await falls_silent(line)


@pytest.mark.parametrize("limit", ["ws_unsubscribed_seconds", "ws_idle_seconds", "ws_lifetime_seconds"])
async def test_connection_is_closed_at_its_limit(limit: str) -> None:
    async with simulator_in_this_process(**{limit: 0.1}) as simulator, connected(simulator) as line:
        async with asyncio.timeout(ANSWER_SECONDS):
            await line.socket.wait_closed()

    assert line.socket.close_code == 1000


async def test_ping_keeps_a_quiet_connection_open() -> None:
    async with (
        simulator_in_this_process(ws_idle_seconds=0.4, ticker_interval_seconds=60) as simulator,
        connected(simulator) as line,
    ):
        started = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - started < 1:
            assert await line.ask("ping") == "PONG"


async def test_refused_subscription_pushes_nothing(simulator: Simulator, line: Line) -> None:
    await simulator.arm("ws_refuse_subscription")

    assert await line.ask("SUBSCRIPTION", TICKERS) == f"Not Subscribed successfully! [{TICKERS}].  Reason： Blocked! "
    assert await line.ask("SUBSCRIPTION", TICKERS) == TICKERS


async def test_refused_connection_is_a_failed_handshake(simulator: Simulator) -> None:
    await simulator.arm("ws_refuse_connection")

    with pytest.raises(InvalidStatus, match="403"):
        await websockets.connect(simulator.ws_url)


async def test_disconnect_breaks_every_connection_without_goodbye(simulator: Simulator, line: Line) -> None:
    await line.ask("PING")
    await simulator.arm("ws_disconnect")

    with pytest.raises(ConnectionClosedError):
        await line.receive()
    async with connected(simulator) as again:
        assert await again.ask("PING") == "PONG"


async def test_silence_lasts_until_it_is_disarmed(simulator: Simulator, line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)
    await simulator.arm("ws_silence")

    assert await falls_silent(line)

    await simulator.disarm()

    assert await line.ask("PING") == "PONG"


async def test_garbage_frame_comes_between_good_ones(simulator: Simulator, line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)
    await simulator.arm("ws_garbage_frame")

    while await line.receive() != b"\xff" * 64:
        continue

    assert (await line.push()).channel == TICKERS


async def test_giant_frame_is_as_large_as_asked(simulator: Simulator, line: Line) -> None:
    await line.ask("SUBSCRIPTION", TICKERS)
    await simulator.arm("ws_giant_frame", size_bytes=500_000)

    while len(await line.receive()) != 500_000:
        continue

    assert (await line.push()).channel == TICKERS
