"""Every REST fault of the simulator does what it says."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, code, trading
from tests.waiting import eventually


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


async def test_unknown_fault_is_refused_with_the_known_ones(trader: Trader) -> None:
    response = await trader.http.post("/_sim/faults", json={"fault": "gremlins"})

    assert response.status_code == 422
    assert "hang_after_accept" in response.json()["detail"][0]["message"]


async def test_option_a_fault_does_not_read_is_refused(trader: Trader) -> None:
    response = await trader.http.post("/_sim/faults", json={"fault": "malformed_body", "seconds": 3})

    assert (response.status_code, response.json()["detail"][0]["field"]) == (422, "seconds")


@pytest.mark.parametrize(("accept", "placed"), [(True, True), (False, False)])
async def test_failing_status_comes_with_or_without_the_order_placed(
    simulator: Simulator, trader: Trader, accept: bool, placed: bool
) -> None:
    await simulator.arm("http_status", status=503, accept=accept)

    response = await trader.buy(newClientOrderId="x")
    found = await trader.look_up("BTCUSDT", origClientOrderId="x")

    assert response.status_code == 503
    assert found.is_success is placed


@pytest.mark.parametrize(
    ("fault", "options", "placed"),
    [
        ("hang_before_accept", {}, False),
        ("hang_after_accept", {}, True),
        ("drop_connection", {"accept": False}, False),
        ("drop_connection", {"accept": True}, True),
        ("truncated_body", {}, True),
    ],
)
async def test_lost_answer_leaves_the_order_as_the_fault_says(
    simulator: Simulator, trader: Trader, fault: str, options: dict[str, Any], placed: bool
) -> None:
    await simulator.arm(fault, **options)
    trader.http.timeout = httpx.Timeout(0.3)

    with pytest.raises(httpx.TransportError):
        await trader.buy(newClientOrderId="x")

    trader.http.timeout = httpx.Timeout(5)
    assert (await trader.look_up("BTCUSDT", origClientOrderId="x")).is_success is placed
    assert [each["accepted"] for each in await simulator.orders()] == [placed]


async def test_malformed_body_hides_a_placed_order(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("malformed_body")

    response = await trader.buy(newClientOrderId="x")

    with pytest.raises(ValueError, match="Expecting"):
        response.json()
    assert (await trader.look_up("BTCUSDT", origClientOrderId="x")).is_success


async def test_latency_delays_the_answer_not_the_order(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("latency", seconds=0.4)
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def order_is_placed() -> bool:
        return any(each["accepted"] for each in await simulator.orders())

    async with asyncio.TaskGroup() as tasks:
        buying = tasks.create_task(trader.buy())
        await eventually(order_is_placed)
        assert not buying.done()

    assert loop.time() - started >= 0.4


async def received(simulator: Simulator) -> bool:
    return bool(await simulator.orders())


@pytest.mark.parametrize("accept", [True, False])
async def test_held_order_is_answered_when_the_fault_is_disarmed(
    simulator: Simulator, trader: Trader, accept: bool
) -> None:
    await simulator.arm("hold", accept=accept)
    await simulator.arm("clock_skew", seconds=0)

    async with asyncio.TaskGroup() as tasks:
        buying = tasks.create_task(trader.buy(newClientOrderId="x"))
        assert await eventually(lambda: received(simulator))
        [held] = await simulator.orders()
        other = await trader.buy(newClientOrderId="y")
        assert not buying.done()
        await simulator.disarm("hold")

    assert (held["accepted"], held["status"]) == (accept, None)
    assert other.status_code == 200
    assert buying.result().status_code == 200
    assert [(each["accepted"], each["status"]) for each in await simulator.orders()] == [(True, 200)] * 2
    assert [each["fault"] for each in await simulator.armed()] == ["clock_skew"]


async def test_order_held_back_is_handled_although_its_sender_is_gone(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("hold")
    trader.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        await trader.buy(newClientOrderId="x")
    trader.http.timeout = httpx.Timeout(5)
    at_first = await trader.look_up("BTCUSDT", origClientOrderId="x")

    await simulator.disarm()

    async def placed() -> bool:
        return (await trader.look_up("BTCUSDT", origClientOrderId="x")).is_success

    assert code(at_first) == (400, -2013)
    assert await eventually(placed)


async def test_order_held_back_beyond_its_window_is_too_late(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("hold")

    async with asyncio.TaskGroup() as tasks:
        buying = tasks.create_task(trader.buy(recvWindow=2000))
        assert await eventually(lambda: received(simulator))
        await simulator.arm("clock_skew", seconds=5)
        await simulator.disarm("hold")

    assert code(buying.result()) == (400, 700003)


@pytest.mark.parametrize(("options", "status"), [({}, 307), ({"status": 308}, 308)])
async def test_redirected_order_is_counted_once_unless_the_client_follows(
    simulator: Simulator, trader: Trader, options: dict[str, Any], status: int
) -> None:
    await simulator.arm("redirect", **options)
    redirected = await trader.buy(newClientOrderId="x")
    once = await simulator.orders()

    followed = await trader.http.post(redirected.headers["location"], headers={"X-MEXC-APIKEY": simulator.api_key})

    assert redirected.status_code == status
    assert [each["accepted"] for each in once] == [False]
    assert followed.status_code == 200
    assert [each["client_order_id"] for each in await simulator.orders()] == ["x", "x"]


async def test_redirected_order_may_have_been_placed(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("redirect", accept=True)

    redirected = await trader.buy(newClientOrderId="x")

    assert redirected.status_code == 307
    assert (await trader.look_up("BTCUSDT", origClientOrderId="x")).is_success


async def test_unknown_fault_cannot_be_disarmed(trader: Trader) -> None:
    assert (await trader.http.delete("/_sim/faults/gremlins")).status_code == 404


async def test_retry_after_is_sent_with_a_simulated_429(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("http_status", status=429, retry_after=7, endpoint="GET /api/v3/time")

    response = await trader.http.get("/api/v3/time")

    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


async def test_order_is_not_found_while_the_visibility_lag_lasts(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("order_visibility_lag", seconds=0.3)
    await trader.buy(newClientOrderId="x")
    at_once = await trader.look_up("BTCUSDT", origClientOrderId="x")

    async def found() -> bool:
        return (await trader.look_up("BTCUSDT", origClientOrderId="x")).is_success

    assert code(at_once) == (400, -2013)
    assert await eventually(found)


async def test_coins_bought_with_a_settle_lag_arrive_later(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("settle_lag", seconds=0.5)
    bought = (await trader.buy()).json()
    sale: dict[str, Any] = {"side": "SELL", "quoteOrderQty": None, "quantity": "0.0001"}
    refused = await trader.buy(**sale)

    async def sold() -> bool:
        return (await trader.buy(**sale)).is_success

    order = (await trader.look_up("BTCUSDT", orderId=bought["orderId"])).json()
    assert order["status"] == "FILLED"
    assert code(refused) == (400, 30005)
    assert await eventually(sold)
    assert (await trader.buy(symbol="ETHUSDT")).is_success
    assert (await trader.buy(symbol="ETHUSDT", side="SELL", quoteOrderQty=None, quantity="0.001")).is_success


async def test_used_client_id_is_accepted_unless_the_fault_refuses_it(simulator: Simulator, trader: Trader) -> None:
    statuses = [(await trader.buy(newClientOrderId="same")).status_code for _ in range(2)]
    await simulator.arm("duplicate_client_id_reject")
    statuses += [(await trader.buy(newClientOrderId=name)).status_code for name in ("same", "other")]

    assert statuses == [200, 200, 400, 200]


async def test_skewed_clock_shows_in_the_time_and_refuses_good_timestamps(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("clock_skew", seconds=-30)
    shown = (await trader.get("/api/v3/time"))["serverTime"]
    refused = await trader.buy()
    await simulator.disarm()

    assert shown < time.time_ns() // 1_000_000 - 29_000
    assert code(refused) == (400, 700003)
    assert (await trader.buy()).status_code == 200


async def test_exchange_whose_clock_is_ahead_opens_and_stamps_by_it() -> None:
    async with simulator_in_this_process(clock_ahead_seconds=30) as simulator, trading(simulator) as trader:
        opens_at_ms = (await simulator.list_coin("NEWUSDT", opens_in=60))["opens_at_ms"]
        told_ms = (await trader.get("/api/v3/time"))["serverTime"]
        before_ns = time.time_ns()
        refused = await trader.buy("NEWUSDT")
        accepted = await trader.signed(
            "POST",
            "/api/v3/order/test",
            symbol="BTCUSDT",
            side="BUY",
            type="MARKET",
            quoteOrderQty=20,
            recvWindow=40000,
        )
        first, _ = await simulator.orders()

    ahead_ns = 30_000_000_000
    assert abs(opens_at_ms - told_ms - 60_000) < 5_000
    assert abs(told_ms - before_ns // 1_000_000 - 30_000) < 5_000
    assert code(refused) == (400, 700003)
    assert accepted.status_code == 200
    assert first["received_exchange_ns"] - first["received_at_ns"] == ahead_ns


async def test_exchange_info_can_be_empty_shrunk_or_a_web_page(simulator: Simulator, trader: Trader) -> None:
    sizes = []
    for fault, options in (("exchange_info_empty", {}), ("exchange_info_shrunk", {"fraction": 0.5})):
        await simulator.arm(fault, **options)
        sizes.append(len((await trader.get("/api/v3/exchangeInfo"))["symbols"]))
    await simulator.arm("exchange_info_html")
    page = await trader.http.get("/api/v3/exchangeInfo")

    assert sizes == [0, 30]
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
