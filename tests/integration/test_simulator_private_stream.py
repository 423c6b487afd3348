"""The simulator's private stream: listenKeys, pushes in their order, and faults."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosedOK, InvalidStatus

from shared.mexc import wire_pb2
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, code, trading
from tests.waiting import eventually

ORDERS, DEALS, ACCOUNT = (f"spot@private.{name}.v3.api.pb" for name in ("orders", "deals", "account"))
PATH = "/api/v3/userDataStream"
NEW, FILLED, PARTLY, CANCELED, PARTLY_CANCELED = 1, 2, 3, 4, 5
ANSWER_SECONDS = 10
SILENT_SECONDS = 0.3


class Line:
    """One private connection, and the pushes that came meanwhile."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def ask(self, method: str, *params: str) -> str:
        await self.socket.send(json.dumps({"method": method, "params": params}))
        while isinstance(frame := await self.receive(), bytes):
            continue
        answer: dict[str, Any] = json.loads(frame)
        return str(answer["msg"])

    async def push(self, channel: str) -> "wire_pb2.PushDataV3ApiWrapper":
        """The next push of *channel*, passing over others."""
        while True:
            frame = await self.receive()
            assert isinstance(frame, bytes)
            push = wire_pb2.PushDataV3ApiWrapper.FromString(frame)
            if push.channel == channel:
                return push

    async def statuses(self, count: int) -> list[int]:
        return [(await self.push(ORDERS)).privateOrders.status for _ in range(count)]

    async def receive(self) -> str | bytes:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self.socket.recv()

    async def is_silent(self) -> bool:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                await self.socket.recv()
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def connected(simulator: Simulator, key: str) -> AsyncIterator[Line]:
    async with websockets.connect(f"{simulator.ws_url}?listenKey={key}") as socket:
        yield Line(socket)


async def new_key(trader: Trader) -> str:
    answer = await trader.signed("POST", PATH)
    return str(answer.json()["listenKey"])


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process(listen_keys_max=3) as running:
        yield running


@pytest.fixture
async def line(simulator: Simulator, trader: Trader) -> AsyncIterator[Line]:
    async with connected(simulator, await new_key(trader)) as line:
        assert await line.ask("SUBSCRIPTION", ORDERS, DEALS, ACCOUNT) == f"{ORDERS},{DEALS},{ACCOUNT}"
        yield line


async def test_listen_keys_are_made_kept_listed_and_deleted(trader: Trader) -> None:
    key = await new_key(trader)

    assert len(key) == 64
    assert (await trader.signed("GET", PATH)).json() == {"listenKey": [key]}
    assert (await trader.signed("PUT", PATH, listenKey=key)).json() == {"listenKey": key}
    assert (await trader.signed("DELETE", PATH, listenKey=key)).json() == {"listenKey": key}
    assert code(await trader.signed("PUT", PATH, listenKey=key)) == (400, 22222)


async def test_no_more_listen_keys_than_the_maximum(trader: Trader) -> None:
    for _ in range(3):
        await new_key(trader)

    assert code(await trader.signed("POST", PATH)) == (400, 33333)


async def test_listen_key_must_be_signed_for(trader: Trader) -> None:
    assert code(await trader.http.post(PATH)) == (400, 400)


async def test_listen_key_is_no_order(simulator: Simulator, trader: Trader) -> None:
    await new_key(trader)

    assert await simulator.orders() == []


async def test_bad_listen_key_is_told_in_text_and_closed(simulator: Simulator) -> None:
    async with connected(simulator, "0" * 64) as line:
        assert await line.receive() == "Invalid listen key"
        with pytest.raises(ConnectionClosedOK):
            await line.receive()


async def test_sixth_connection_of_a_listen_key_is_refused(simulator: Simulator, trader: Trader) -> None:
    key = await new_key(trader)
    lines = [await websockets.connect(f"{simulator.ws_url}?listenKey={key}") for _ in range(5)]

    with pytest.raises(InvalidStatus):
        await websockets.connect(f"{simulator.ws_url}?listenKey={key}")
    for each in lines:
        await each.close()


async def test_private_channel_without_a_listen_key_is_blocked(simulator: Simulator) -> None:
    async with websockets.connect(simulator.ws_url) as socket:
        assert "Blocked!" in await Line(socket).ask("SUBSCRIPTION", ORDERS)


async def test_market_order_is_taken_then_filled(trader: Trader, line: Line) -> None:
    placed = (await trader.buy(newClientOrderId="mine-1")).json()

    taken, filled = (await line.push(ORDERS)).privateOrders, await line.push(ORDERS)
    order = filled.privateOrders
    assert (taken.status, order.status, filled.symbol) == (NEW, FILLED, "BTCUSDT")
    assert (order.id, order.clientId, order.tradeType, order.orderType) == (placed["orderId"], "mine-1", 1, 5)
    report = (await trader.look_up("BTCUSDT", orderId=placed["orderId"])).json()
    assert Decimal(order.cumulativeQuantity) == Decimal(report["executedQty"])
    assert Decimal(order.cumulativeAmount) == Decimal(report["cummulativeQuoteQty"])


async def test_deals_are_those_of_my_trades(trader: Trader, line: Line) -> None:
    await trader.buy(newClientOrderId="mine-1")

    deal = (await line.push(DEALS)).privateDeals
    [trade] = (await trader.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json()
    assert (deal.tradeId, deal.orderId, deal.clientOrderId) == (trade["id"], trade["orderId"], "mine-1")
    assert (deal.price, deal.quantity, deal.amount) == (trade["price"], trade["qty"], trade["quoteQty"])
    assert (deal.feeAmount, deal.feeCurrency) == (trade["commission"], trade["commissionAsset"])


async def test_last_balances_are_those_of_the_account(trader: Trader, line: Line) -> None:
    await trader.buy()
    pushed = {}
    for _ in range(3):
        balance = (await line.push(ACCOUNT)).privateAccount
        pushed[balance.vcoinName] = (balance.balanceAmount, balance.frozenAmount)

    account = (await trader.signed("GET", "/api/v3/account")).json()
    assert pushed == {each["asset"]: (each["free"], each["locked"]) for each in account["balances"]}


async def test_limit_order_rests_and_is_cancelled(simulator: Simulator, trader: Trader, line: Line) -> None:
    await simulator.list_coin("ABCUSDT", price="1", swing=0)
    placed = await trader.buy("ABCUSDT", type="LIMIT", quantity="5", price="0.9", quoteOrderQty=None)
    await trader.signed("DELETE", "/api/v3/order", symbol="ABCUSDT", orderId=placed.json()["orderId"])

    causes = [(await line.push(ACCOUNT)).privateAccount.type for _ in range(2)]
    assert causes == ["ENTRUST_PLACE", "ENTRUST_CANCEL"]
    assert await line.statuses(1) == [CANCELED]


async def test_immediate_or_cancel_that_gets_a_part_ends_partly_cancelled(
    simulator: Simulator, trader: Trader, line: Line
) -> None:
    await simulator.list_coin("ABCUSDT", price="1", asks=[["1", "5"]])

    await trader.buy("ABCUSDT", type="IMMEDIATE_OR_CANCEL", quantity="9", price="1", quoteOrderQty=None)

    assert await line.statuses(2) == [NEW, PARTLY_CANCELED]


async def test_resting_order_that_the_market_comes_to_is_pushed_without_a_request(
    simulator: Simulator, trader: Trader, line: Line
) -> None:
    await simulator.list_coin("ABCUSDT", price="1", swing=0, asks=[["1.05", "5"]])
    await trader.buy("ABCUSDT", type="LIMIT", quantity="9", price="1", quoteOrderQty=None)
    assert await line.statuses(1) == [NEW]

    await simulator.script("ABCUSDT", asks=[["1", "5"]])
    assert await line.statuses(1) == [PARTLY]
    await simulator.script("ABCUSDT", asks=[["1", "50"]])
    assert await line.statuses(1) == [FILLED]


async def test_funding_by_hand_is_a_deposit(simulator: Simulator, line: Line) -> None:
    await simulator.fund(ABC="7")

    balance = (await line.push(ACCOUNT)).privateAccount
    assert (balance.vcoinName, balance.balanceAmount, balance.type) == ("ABC", "7", "DEPOSIT")


async def test_key_that_ends_makes_its_connection_fall_silent(simulator: Simulator, trader: Trader, line: Line) -> None:
    await simulator.arm("ws_listen_keys_expire")
    await trader.buy()
    await line.socket.send('{"method": "PING"}')

    assert await line.is_silent()


async def test_key_that_is_not_kept_alive_ends() -> None:
    async with simulator_in_this_process(listen_key_seconds=0.2) as simulator, trading(simulator) as trader:
        key = await new_key(trader)

        async def has_ended() -> bool:
            return not (await trader.signed("GET", PATH)).json()["listenKey"]

        await eventually(has_ended)
        assert code(await trader.signed("PUT", PATH, listenKey=key)) == (400, 22222)


async def test_silence_swallows_pushes_and_answers_pings(simulator: Simulator, trader: Trader, line: Line) -> None:
    await simulator.arm("ws_private_silence")
    await trader.buy()

    assert await line.ask("PING") == "PONG"
    assert await line.is_silent()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("ws_private_gap", [FILLED]),
        ("ws_private_duplicate", [NEW, NEW, FILLED]),
        ("ws_private_lie", [FILLED, FILLED]),
    ],
)
async def test_pushes_are_lost_repeated_or_false(
    simulator: Simulator, trader: Trader, line: Line, fault: str, expected: list[int]
) -> None:
    await simulator.arm(fault)
    await trader.buy()

    assert await line.statuses(len(expected)) == expected


async def test_pushes_come_out_of_order(simulator: Simulator, trader: Trader, line: Line) -> None:
    await simulator.arm("ws_private_reorder")
    await trader.buy()
    frames = [await line.receive() for _ in range(2)]

    assert [wire_pb2.PushDataV3ApiWrapper.FromString(bytes(each)).channel for each in frames] == [ACCOUNT, ORDERS]  # type: ignore[arg-type]
