"""Every REST fault of the simulator does what it says."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.simulators import Simulator, simulator_in_this_process
from tests.traders import Trader, code, trading
from tests.waiting import eventually


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@pytest.fixture
async def trader(simulator: Simulator) -> AsyncIterator[Trader]:
    async with trading(simulator) as trader:
        yield trader


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


async def test_exchange_info_can_be_empty_shrunk_or_a_web_page(simulator: Simulator, trader: Trader) -> None:
    sizes = []
    for fault, options in (("exchange_info_empty", {}), ("exchange_info_shrunk", {"fraction": 0.5})):
        await simulator.arm(fault, **options)
        sizes.append(len((await trader.get("/api/v3/exchangeInfo"))["symbols"]))
    await simulator.arm("exchange_info_html")
    page = await trader.http.get("/api/v3/exchangeInfo")

    assert sizes == [0, 30]
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
