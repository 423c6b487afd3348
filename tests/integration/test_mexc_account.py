"""The account client, against the simulator and against servers that answer badly."""

import json
import logging
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from shared.events import Side
from shared.mexc.errors import ClockUncertainError, ExchangeRejected, ExchangeUnavailable, RateLimited
from shared.mexc.http.connection import Endpoint
from shared.mexc.http.request import RestLimits
from shared.mexc.http.signed_request import NowMs, Signing
from shared.mexc.http.signing import Signer, sign
from shared.mexc.market_data import connect_market_data
from shared.mexc.orders.account import MexcAccount, connect_account
from shared.mexc.orders.order_api import MexcTrading, OrderRequest
from shared.mexc.orders.order_connection import OrderLine
from shared.mexc.orders.order_reports import KeyRights, OrderStatus
from tests.support.fakes.loopback import Behaviour, Loopback, answering, hanging, reply, resetting, serving
from tests.support.running.simulators import SimulatorProcess, running_simulator

KEY, SECRET = "mx0-canary-key", "canary-secret"
LIMITS = RestLimits(total_seconds=2)
CHINESE = "币安人生USDT"
ORDER = {"symbol": "AUSDT", "orderId": "1", "clientOrderId": "c-1", "status": "FILLED"}


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Desk:
    simulator: SimulatorProcess
    trading: MexcTrading
    account: MexcAccount

    async def buy(self, symbol: str, client_order_id: str, **changes: Any) -> str:
        """Place a market buy of 10 USDT unless *changes* say otherwise; return the exchange's id of it."""
        fields: dict[str, Any] = {"type": "MARKET", "quote_order_qty": Decimal(10)} | changes
        order = OrderRequest(symbol=symbol, side=Side.BUY, client_order_id=client_order_id, **fields)
        answer = await self.trading.post(self.trading.sign(order, now_ms=wall_ms()))
        return str(json.loads(answer.body)["orderId"])

    async def rest_a_bid(self, client_order_id: str) -> str:
        """Place a buy far below the market."""
        changes = {"type": "LIMIT", "quantity": Decimal("0.1"), "price": Decimal(2500), "quote_order_qty": None}
        return await self.buy("ETHUSDT", client_order_id, **changes)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator())
        line = await stack.enter_async_context(OrderLine(Endpoint.of(simulator.rest_url)))
        signing = Signing(Signer(simulator.api_key, simulator.api_secret), wall_ms, 5000)
        account = await stack.enter_async_context(connect_account(simulator.rest_url, signing, LIMITS))
        yield Desk(simulator, MexcTrading(line, api_key=simulator.api_key, api_secret=simulator.api_secret), account)


@asynccontextmanager
async def account_of(behave: Behaviour, now_ms: NowMs = wall_ms) -> AsyncIterator[tuple[MexcAccount, Loopback]]:
    signing = Signing(Signer(KEY, SECRET), now_ms, 5000)
    async with serving(behave) as server, connect_account(server.url, signing, LIMITS) as account:
        yield account, server


def answering_json(body: Any, status: str = "200 OK") -> Behaviour:
    return answering(reply(json.dumps(body).encode(), status=status))


async def test_placed_order_is_found_by_either_id_and_its_trades_tell_the_fee(desk: Desk) -> None:
    order_id = await desk.buy("BTCUSDT", "snp-1")

    by_client_id = await desk.account.order_by_client_id("BTCUSDT", "snp-1")
    trades = await desk.account.my_trades("BTCUSDT", order_id)

    assert by_client_id is not None
    assert by_client_id == await desk.account.order_by_id("BTCUSDT", order_id)
    assert (by_client_id.order_id, by_client_id.client_order_id) == (order_id, "snp-1")
    assert (by_client_id.side, by_client_id.status) == (Side.BUY, OrderStatus.FILLED)
    assert by_client_id.quote_quantity == 10
    assert sum(trade.quantity for trade in trades) == by_client_id.executed_quantity
    assert sum(trade.quote_quantity for trade in trades) == by_client_id.executed_value
    assert {(trade.commission_asset, trade.is_buyer) for trade in trades} == {("USDT", True)}
    assert all(trade.commission for trade in trades)


async def test_order_that_was_never_sent_is_absent(desk: Desk) -> None:
    assert await desk.account.order_by_client_id("BTCUSDT", "never") is None
    assert await desk.account.order_by_id("BTCUSDT", "C02__0") is None


async def test_order_of_a_symbol_outside_ascii_is_signed_placed_and_found(desk: Desk) -> None:
    await desk.buy(CHINESE, "snp-1")

    found = await desk.account.order_by_client_id(CHINESE, "snp-1")

    assert found is not None
    assert (found.symbol, found.status) == (CHINESE, OrderStatus.FILLED)


async def test_resting_order_is_open_until_it_is_cancelled_and_then_unknown_to_a_cancel(desk: Desk) -> None:
    order_id = await desk.rest_a_bid("snp-1")
    [resting] = await desk.account.open_orders("ETHUSDT")

    cancelled = await desk.account.cancel("ETHUSDT", client_order_id="snp-1")

    assert (resting.order_id, resting.status) == (order_id, OrderStatus.NEW)
    assert (cancelled.order_id, cancelled.status) == (order_id, OrderStatus.CANCELED)
    assert await desk.account.open_orders("ETHUSDT") == []
    with pytest.raises(ExchangeRejected) as again:
        await desk.account.cancel("ETHUSDT", order_id=order_id)
    assert again.value.code == -2011


async def test_all_orders_hold_those_since_a_time(desk: Desk) -> None:
    await desk.buy("BTCUSDT", "snp-1")
    start_ms = wall_ms()

    async def since(moment_ms: int) -> list[str | None]:
        return [order.client_order_id for order in await desk.account.all_orders("BTCUSDT", start_ms=moment_ms)]

    assert await since(start_ms - 60_000) == ["snp-1"]
    assert await since(start_ms + 60_000) == []


async def test_balances_move_with_an_order_and_lock_with_a_resting_one(desk: Desk) -> None:
    order_id = await desk.buy("BTCUSDT", "snp-1")
    await desk.rest_a_bid("snp-2")

    balances = await desk.account.balances()
    bought = await desk.account.order_by_id("BTCUSDT", order_id)

    assert bought is not None
    assert balances["BTC"].free == bought.executed_quantity
    assert balances["USDT"].locked == 250
    assert "DOGE" not in balances


async def test_timestamp_the_exchange_does_not_take_is_a_refusal(desk: Desk) -> None:
    signer = Signer(desk.simulator.api_key, desk.simulator.api_secret)
    signing = Signing(signer, lambda: wall_ms() - 6000, 5000)
    async with connect_account(desk.simulator.rest_url, signing, LIMITS) as account:
        with pytest.raises(ExchangeRejected) as refused:
            await account.balances()

    assert refused.value.code == 700003


async def test_rules_and_trades_of_a_listed_coin_are_told_one_by_one(desk: Desk) -> None:
    await desk.simulator.list_coin("NEWUSDT", price="0.05")
    async with connect_market_data(desk.simulator.rest_url) as rest:
        rules = await rest.symbol_rules("NEWUSDT")
        trades = await rest.recent_trades("NEWUSDT")

        assert rules is not None
        assert (rules.base_asset, rules.quote_amount_min) == ("NEW", Decimal(1))
        assert trades[0].price == Decimal("0.05")
        assert await rest.symbol_rules("NOSUCHUSDT") is None


async def test_signature_covers_exactly_what_is_sent() -> None:
    async with account_of(answering_json(ORDER | {"symbol": CHINESE}), lambda: 1_700_000_000_000) as (account, server):
        await account.order_by_client_id(CHINESE, "c-1")

    method, target, _ = server.requests[0].partition("\r\n")[0].split(" ")
    query, _, signature = target.partition("?")[2].rpartition("&signature=")
    assert (method, target.partition("?")[0]) == ("GET", "/api/v3/order")
    assert query == (
        "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&origClientOrderId=c-1&recvWindow=5000&timestamp=1700000000000"
    )
    assert signature == sign(SECRET, query)
    assert f"x-mexc-apikey: {KEY}\r\n" in server.requests[0].lower()


@pytest.mark.parametrize(
    "other",
    [
        {"symbol": "BUSDT"},
        {"clientOrderId": "c-2"},
        {"orderId": None},
        {"orderId": ["1"]},
    ],
)
async def test_answer_about_another_order_is_no_answer(other: dict[str, Any]) -> None:
    async with account_of(answering_json(ORDER | other)) as (account, _):
        with pytest.raises(ExchangeUnavailable):
            await account.order_by_client_id("AUSDT", "c-1")


async def test_order_found_without_its_client_id_is_the_one_asked_for() -> None:
    async with account_of(answering_json(ORDER | {"clientOrderId": None})) as (account, _):
        found = await account.order_by_client_id("AUSDT", "c-1")

    assert found is not None


async def test_list_with_one_unreadable_order_is_no_list() -> None:
    async with account_of(answering_json([ORDER, ORDER | {"orderId": None}])) as (account, _):
        with pytest.raises(ExchangeUnavailable):
            await account.open_orders("AUSDT")


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (resetting, ExchangeUnavailable),
        (hanging, ExchangeUnavailable),
        (answering_json({"code": -2013, "msg": "busy"}, status="503 Service Unavailable"), ExchangeUnavailable),
        (answering(reply(b"<html>", status="404 Not Found")), ExchangeUnavailable),
        (answering_json({"code": 10072, "msg": "Api key info invalid"}, status="400 Bad Request"), ExchangeRejected),
        (answering_json({"code": 429, "msg": "Too Many Requests"}, status="429 No"), RateLimited),
        (answering_json({}, status="307 Temporary Redirect"), ExchangeUnavailable),
        (answering_json({}), ExchangeUnavailable),
    ],
)
async def test_only_the_exchanges_own_word_makes_an_order_absent(behave: Behaviour, error: type[Exception]) -> None:
    signing = Signing(Signer(KEY, SECRET), wall_ms, 5000)
    limits = RestLimits(total_seconds=0.3)
    async with serving(behave) as server, connect_account(server.url, signing, limits) as account:
        with pytest.raises(error):
            await account.order_by_client_id("AUSDT", "c-1")

        assert len(server.requests) == 1


async def test_nothing_is_asked_while_the_exchanges_time_is_unknown() -> None:
    def unknown() -> int:
        raise ClockUncertainError("the exchange has not told its time")

    async with account_of(answering_json(ORDER), unknown) as (account, server):
        with pytest.raises(ClockUncertainError):
            await account.balances()

        assert server.requests == []


@pytest.mark.parametrize(
    "behave", [resetting, answering(b"not HTTP\r\n\r\n"), answering_json({"code": 1, "msg": "no"})]
)
async def test_secrets_stay_out_of_representations_errors_and_logs(
    behave: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with account_of(behave) as (account, server):
        with pytest.raises((ExchangeUnavailable, ExchangeRejected)) as failed:
            await account.balances()
        signature = server.requests[0].partition("signature=")[2][:64]

    assert len(signature) == 64
    written = "".join(traceback.format_exception(failed.value))
    for shown in (repr(account), repr(failed.value), written, caplog.text):
        for secret in (KEY, SECRET, signature, "signature="):
            assert secret not in shown


async def test_the_account_tells_what_the_key_may_do(desk: Desk) -> None:
    assert await desk.account.key_rights() == KeyRights(can_trade=True, can_withdraw=False, kinds=("SPOT",))
