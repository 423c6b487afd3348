"""The simulator's answers that do not say what became of an order, and orders that are not where they should be."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, code, trading
from tests.waiting import eventually

IOC: dict[str, Any] = {"type": "IMMEDIATE_OR_CANCEL", "quoteOrderQty": None, "quantity": "20", "price": "1.05"}
VIEWS = ("client_id", "order_id", "open_orders", "all_orders", "my_trades")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        await running.list_coin("NEWUSDT", price="1", swing=0, asks=[("1", "100")], bids=[("0.9", "100")])
        yield running


async def views(trader: Trader, order_id: str) -> list[str]:
    """Name the queries that show the order with the client id x."""
    found = {
        "client_id": await trader.look_up("NEWUSDT", origClientOrderId="x"),
        "order_id": await trader.look_up("NEWUSDT", orderId=order_id),
        "open_orders": await trader.signed("GET", "/api/v3/openOrders", symbol="NEWUSDT"),
        "all_orders": await trader.signed("GET", "/api/v3/allOrders", symbol="NEWUSDT"),
        "my_trades": await trader.signed("GET", "/api/v3/myTrades", symbol="NEWUSDT"),
    }
    return [name for name, response in found.items() if response.is_success and response.json()]


async def status(trader: Trader) -> tuple[str, str]:
    order = (await trader.look_up("NEWUSDT", origClientOrderId="x")).json()
    return order["status"], order["executedQty"]


async def free(trader: Trader, asset: str) -> str:
    balances = (await trader.signed("GET", "/api/v3/account")).json()["balances"]
    return next((each["free"] for each in balances if each["asset"] == asset), "0")


@pytest.mark.parametrize("refused_with", [403, 418, 429, 504, 200])
async def test_an_order_is_behind_any_status_with_the_words_it_was_given(
    simulator: Simulator, trader: Trader, refused_with: int
) -> None:
    await simulator.arm("http_status", status=refused_with, accept=True, code=-1000, message="being processed")

    response = await trader.buy("NEWUSDT", newClientOrderId="x")

    assert (response.status_code, response.json()) == (refused_with, {"code": -1000, "msg": "being processed"})
    assert await status(trader) == ("FILLED", "20")


async def test_the_body_of_a_status_can_be_anything(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("http_status", status=403, body="<html>")

    assert (await trader.buy("NEWUSDT")).text == "<html>"


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("unknown", [-1, -1000, 987654])
async def test_an_unknown_code_comes_with_or_without_an_order(
    simulator: Simulator, trader: Trader, unknown: int, accept: bool
) -> None:
    await simulator.arm("api_error", code=unknown, message="being processed, query later", accept=accept)

    response = await trader.buy("NEWUSDT", newClientOrderId="x")

    assert code(response) == (400, unknown)
    assert (await trader.look_up("NEWUSDT", origClientOrderId="x")).is_success is accept


@pytest.mark.parametrize(("given", "sent"), [(7, "7"), (1.5, "1.5"), ("soon", "soon"), (" 2 ", "2"), (None, None)])
@pytest.mark.parametrize("endpoint", ["POST /api/v3/order", "GET /api/v3/order"])
async def test_retry_after_is_sent_in_any_form_or_not_at_all(
    simulator: Simulator, trader: Trader, endpoint: str, given: Any, sent: str | None
) -> None:
    await simulator.arm("http_status", endpoint=endpoint, status=418, retry_after=given)

    response = await (trader.buy if endpoint.startswith("POST") else trader.look_up)("NEWUSDT")

    assert response.status_code == 418
    assert response.headers.get("retry-after") == sent


async def test_retry_after_is_a_date_of_the_exchanges_clock(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("clock_skew", seconds=3600)
    await simulator.arm("http_status", status=429, retry_after_in=60)

    headers = (await trader.buy("NEWUSDT")).headers
    date, retry_after = (parsedate_to_datetime(headers[name]).timestamp() for name in ("date", "retry-after"))

    assert retry_after - date == 60
    assert 3590 < date - time.time() < 3610


@pytest.mark.parametrize(("form", "sent"), [("date", "GMT"), ("none", None)])
async def test_the_rate_limits_themselves_say_their_time_in_any_form(form: str, sent: str | None) -> None:
    limited: dict[str, Any] = {"limits": True, "orders_per_second": 1, "retry_after": form}
    async with simulator_in_this_process(**limited) as simulator, trading(simulator) as trader:
        answers = [await trader.buy() for _ in range(3)]

    refused = next(each for each in answers if each.status_code == 429)
    assert refused.headers.get("retry-after", "")[-3:] == (sent or "")


async def test_a_fault_is_aimed_at_a_symbol_and_a_side_and_spares_the_first(
    simulator: Simulator, trader: Trader
) -> None:
    await simulator.list_coin("OTHERUSDT", price="1")
    await simulator.arm("http_status", status=503, symbol="NEWUSDT", side="SELL", after=1)
    sale: dict[str, Any] = {"side": "SELL", "quoteOrderQty": None, "quantity": "2"}

    answers = [
        await trader.buy("NEWUSDT"),
        await trader.buy("OTHERUSDT"),
        await trader.buy("OTHERUSDT", **sale),
        await trader.buy("NEWUSDT", **sale),
        await trader.buy("NEWUSDT", **sale),
        await trader.buy("NEWUSDT", **sale),
    ]

    assert [each.status_code for each in answers] == [200, 200, 200, 200, 503, 200]


@pytest.mark.parametrize("hidden", VIEWS)
async def test_an_order_is_hidden_from_one_view_and_no_other(simulator: Simulator, trader: Trader, hidden: str) -> None:
    await simulator.arm("ioc_rests", fraction=0.5)
    await simulator.arm("order_hidden", views=[hidden])

    placed = await trader.buy("NEWUSDT", newClientOrderId="x", **IOC)

    assert await views(trader, placed.json()["orderId"]) == [each for each in VIEWS if each != hidden]


async def test_an_order_is_hidden_from_everything_until_its_time_is_over(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("ioc_rests", fraction=0.5)
    await simulator.arm("order_hidden", seconds=0.5)
    placed = (await trader.buy("NEWUSDT", newClientOrderId="x", **IOC)).json()
    at_once = await views(trader, placed["orderId"])
    cancelled = await trader.signed("DELETE", "/api/v3/order", symbol="NEWUSDT", origClientOrderId="x")

    async def shown() -> bool:
        return await views(trader, placed["orderId"]) == list(VIEWS)

    assert at_once == []
    assert code(cancelled) == (400, -2011)
    assert await eventually(shown)


async def test_an_order_appears_and_is_filled_long_after_its_answer_was_lost(
    simulator: Simulator, trader: Trader
) -> None:
    await simulator.arm("order_late", seconds=0.4)
    await simulator.arm("http_status", status=504, accept=True)
    lost = await trader.buy("NEWUSDT", newClientOrderId="x", **IOC)
    at_once = await trader.look_up("NEWUSDT", origClientOrderId="x"), await free(trader, "NEW")

    async def filled() -> bool:
        found = await trader.look_up("NEWUSDT", origClientOrderId="x")
        return found.is_success and found.json()["status"] == "FILLED"

    assert lost.status_code == 504
    assert (code(at_once[0]), at_once[1]) == ((400, -2013), "0")
    assert await eventually(filled)
    assert await free(trader, "NEW") == "20"


@pytest.mark.parametrize(("fraction", "executed"), [(0, "0"), (0.25, "5")])
async def test_an_immediate_order_rests_until_it_is_cancelled(
    simulator: Simulator, trader: Trader, fraction: float, executed: str
) -> None:
    await simulator.arm("ioc_rests", fraction=fraction)
    await trader.buy("NEWUSDT", newClientOrderId="x", **IOC)
    open_orders = (await trader.signed("GET", "/api/v3/openOrders", symbol="NEWUSDT")).json()
    resting = await status(trader)

    await trader.signed("DELETE", "/api/v3/order", symbol="NEWUSDT", origClientOrderId="x")

    assert len(open_orders) == 1
    assert resting == ("PARTIALLY_FILLED" if fraction else "NEW", executed)
    assert await status(trader) == ("PARTIALLY_CANCELED" if fraction else "CANCELED", executed)


@pytest.mark.parametrize(("fraction", "executed"), [(0, "0"), (0.5, "10"), (1, "20")])
async def test_an_order_ends_under_a_word_that_no_table_knows(
    simulator: Simulator, trader: Trader, fraction: float, executed: str
) -> None:
    await simulator.arm("order_ends", word="EXPIRED", fraction=fraction)

    await trader.buy("NEWUSDT", newClientOrderId="x", **IOC)
    cancelled = await trader.signed("DELETE", "/api/v3/order", symbol="NEWUSDT", origClientOrderId="x")

    assert await status(trader) == ("EXPIRED", executed)
    assert code(cancelled) == (400, -2011)
    assert Decimal(await free(trader, "NEW")) == Decimal(executed)


async def test_the_first_immediate_order_is_cancelled_with_nothing_filled_and_the_next_is_not(
    simulator: Simulator, trader: Trader
) -> None:
    await simulator.arm("order_ends")
    ended = []
    for _ in range(2):
        await trader.buy("NEWUSDT", newClientOrderId="x", **IOC)
        ended.append(await status(trader))

    assert ended == [("CANCELED", "0"), ("FILLED", "20")]


async def test_balances_lag_behind_a_sale(simulator: Simulator, trader: Trader) -> None:
    await trader.buy("NEWUSDT", **IOC)
    await simulator.arm("balance_lag", side="SELL", seconds=0.4)
    await trader.buy("NEWUSDT", side="SELL", quoteOrderQty=None, quantity="15")
    at_once = await free(trader, "NEW")

    async def shown() -> bool:
        return await free(trader, "NEW") == "5"

    assert at_once == "20"
    assert await eventually(shown)


async def test_an_order_is_found_no_more_when_the_exchange_has_forgotten_it_unless_it_is_open() -> None:
    async with simulator_in_this_process(remembers_seconds=3) as simulator, trading(simulator) as trader:
        await simulator.list_coin("NEWUSDT", price="1", swing=0, asks=[("1", "100")])
        placed = (await trader.buy("NEWUSDT", newClientOrderId="x")).json()
        resting = await trader.buy(
            "NEWUSDT", type="LIMIT", quoteOrderQty=None, quantity="20", price="0.9", newClientOrderId="y"
        )
        at_once = await views(trader, placed["orderId"])

        async def forgotten() -> bool:
            return (await trader.look_up("NEWUSDT", origClientOrderId="x")).status_code == 400

        assert set(at_once) >= {"client_id", "order_id", "all_orders", "my_trades"}
        assert await eventually(forgotten)
        assert await views(trader, placed["orderId"]) == ["open_orders"]
        assert (await trader.look_up("NEWUSDT", orderId=resting.json()["orderId"])).is_success
