"""A dry run without keys: filled where and when an order would be taken, and never twice from the same offers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from time import monotonic
from typing import Any

import pytest

from executor.model.order import Order
from executor.model.send_result import Executed, NotOpen, PriceRefused, SendResult, WrongSize
from executor.pricing.paper_footprint import PaperFootprint
from executor.settings import ExecutorSettings
from executor.venues.exchange_connections import open_exchange
from executor.venues.paper.footprint_recovery import recall_footprint
from executor.venues.venue import Venue
from shared.events import Mode, Side, utc_now
from shared.mexc.orders.order_api import OrderRequest, always
from shared.mexc.payloads import Level
from tests.support.data.builders import a_listing, an_order
from tests.support.fakes.limiters import a_limiter
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import Executor, Time, a_coin
from tests.support.running.services import open_database
from tests.support.running.simulators import Simulator
from tests.support.running.trading import a_fresh_listing, a_venue, executor
from tests.waiting import eventually

SYMBOL = "NEWUSDT"
BUY = an_order(listing=a_listing(symbol=SYMBOL, base_asset="NEW"), client_order_id="snNEW")
SELL = replace(BUY, side=Side.SELL, sequence=2, client_order_id="snNEWs1", base_qty=Decimal(10))
BIDS = [["1.20", "10"], ["0.50", "1000"]]
ASKS = [["1.25", "1000"]]
OPEN: Mapping[str, Any] = {"price": "1.2", "swing": "0", "bids": BIDS, "asks": ASKS, "price_protection": "0"}


@dataclass(frozen=True)
class Paper:
    simulator: Simulator
    venue: Venue

    async def send(self, order: Order, quantity: str, price: str) -> SendResult:
        request = OrderRequest(
            symbol=SYMBOL,
            side=order.side,
            type="IMMEDIATE_OR_CANCEL",
            client_order_id=order.client_order_id,
            quantity=Decimal(quantity),
            price=Decimal(price),
        )
        return (await self.venue.send(order, self.venue.sign(request), always)).verdict

    async def sold(self, quantity: str) -> tuple[Decimal, Decimal]:
        """How much was sold, and what it brought before the fee."""
        verdict = await self.send(SELL, quantity, "0.40")
        assert isinstance(verdict, Executed)
        return (Decimal(0), Decimal(0)) if verdict.fill is None else (verdict.fill.base_qty, verdict.fill.cost)


@pytest.fixture
async def paper(simulator: Simulator) -> AsyncIterator[Paper]:
    opening = open_exchange(simulator.rest_url, None, ExecutorSettings(paper_state_seconds=0), a_limiter(), live=False)
    async with opening as exchange:
        yield Paper(simulator, exchange.venues[Mode.DRY_RUN])


async def test_the_same_ten_bids_are_not_sold_to_ten_times_over(paper: Paper) -> None:
    await paper.simulator.list_coin(SYMBOL, **OPEN)

    first = await paper.sold("10")
    others = [await paper.sold("10") for _ in range(9)]

    assert first == (Decimal(10), Decimal(12))
    assert others == [(Decimal(10), Decimal(5))] * 9


async def test_bids_that_are_replaced_or_added_can_be_sold_to(paper: Paper) -> None:
    await paper.simulator.list_coin(SYMBOL, **OPEN)
    await paper.sold("10")

    await paper.simulator.script(SYMBOL, bids=[["1.20", "14"], ["0.50", "1000"]])
    added = await paper.sold("10")
    await paper.simulator.script(SYMBOL, bids=[["1.19", "10"], ["0.50", "1000"]])
    replaced = await paper.sold("10")

    assert added == (Decimal(10), Decimal("7.80"))
    assert replaced == (Decimal(10), Decimal("11.90"))


@pytest.mark.parametrize(
    "coin",
    [
        pytest.param({"opens_in": 3600}, id="it opens in an hour"),
        pytest.param({"opens_late_by": 3600}, id="it opens an hour late and nothing says so"),
        pytest.param({"api": False}, id="it is not traded by API"),
        pytest.param({"trade_side": 3}, id="it can only be sold"),
        pytest.param({"trade_side": 4}, id="it is closed"),
        pytest.param({"listed_in": 3600}, id="the exchange does not know it"),
    ],
)
async def test_nothing_is_bought_on_paper_that_could_not_be_bought_yet(paper: Paper, coin: Mapping[str, Any]) -> None:
    await paper.simulator.list_coin(SYMBOL, **{**OPEN, **coin})

    verdict = await paper.send(BUY, "10", "1.25")

    assert isinstance(verdict, NotOpen)


@pytest.mark.parametrize("order", [BUY, SELL])
async def test_nothing_is_traded_on_paper_while_the_symbol_is_suspended(paper: Paper, order: Order) -> None:
    await paper.simulator.list_coin(SYMBOL, **OPEN)
    await paper.simulator.change_coin(SYMBOL, status="suspended")

    assert isinstance(await paper.send(order, "10", "1.2"), NotOpen)


async def test_a_symbol_that_opens_is_bought_soon_after(paper: Paper) -> None:
    await paper.simulator.list_coin(SYMBOL, **{**OPEN, "opens_in": 1})

    async def is_filled() -> bool:
        verdict = await paper.send(BUY, "10", "1.25")
        assert isinstance(verdict, Executed | NotOpen)
        return isinstance(verdict, Executed) and verdict.fill is not None

    await eventually(is_filled)
    opens_at_ms = (await paper.simulator.coin(SYMBOL))["opens_at_ms"]

    assert utc_now().timestamp() * 1000 >= opens_at_ms


async def test_a_symbol_that_is_closed_is_not_asked_about_with_every_attempt(paper: Paper) -> None:
    await paper.simulator.list_coin(SYMBOL, **{**OPEN, "opens_in": 3600})

    for _ in range(50):
        assert isinstance(await paper.send(BUY, "10", "1.25"), NotOpen)

    asked = await paper.simulator.requests()
    assert asked["GET /api/v3/depth"] < 10
    assert asked["GET /api/v3/exchangeInfo"] < 10


@pytest.mark.parametrize(("order", "price"), [(BUY, "1.27"), (SELL, "1.15")])
async def test_a_price_that_the_exchange_would_not_allow_is_refused_on_paper(
    paper: Paper, order: Order, price: str
) -> None:
    await paper.simulator.list_coin(SYMBOL, **{**OPEN, "price": "1.22", "price_protection": "0.03"})

    assert isinstance(await paper.send(order, "10", price), PriceRefused)
    assert isinstance(await paper.send(order, "10", "1.22"), Executed)


@pytest.mark.parametrize(
    ("quantity", "price"), [("0.5", "1.25"), ("10.001", "1.25"), ("10", "1.2501"), ("900", "1.25")]
)
async def test_an_amount_that_the_exchange_would_not_take_is_refused_on_paper(
    paper: Paper, quantity: str, price: str
) -> None:
    await paper.simulator.list_coin(SYMBOL, **{**OPEN, "notional_max": "1000"})

    assert isinstance(await paper.send(BUY, quantity, price), WrongSize)


async def test_what_exchange_info_does_not_say_in_time_does_not_keep_a_paper_order_from_a_book_that_trades(
    paper: Paper,
) -> None:
    await paper.simulator.list_coin(SYMBOL, **OPEN)
    await paper.simulator.arm("http_status", endpoint="GET /api/v3/exchangeInfo", status=503)

    assert await paper.sold("10") == (Decimal(10), Decimal(12))


async def test_a_listing_that_opens_in_an_hour_and_is_announced_as_open_waits_on_paper_without_keys(
    database_url: str, broker_url: str, simulator: Simulator
) -> None:
    await simulator.list_coin("SOONUSDT", opens_in=3600, price="1.00", swing="0")
    settings = ExecutorSettings(retry_seconds=1, exchange_timeout_seconds=1)

    async with executor(database_url, broker_url, a_venue(simulator.rest_url, secret=None), settings) as trading:
        await trading.tell(a_fresh_listing("SOONUSDT", price=Decimal("1.00")))

        async def waits() -> Mapping[str, Any] | None:
            async with trading.runtime.database.connection() as connection:
                order = await connection.fetchrow("SELECT * FROM orders WHERE symbol = 'SOONUSDT'")
            return dict(order) if order is not None and order["state"] == "armed" else None

        waiting = await eventually(waits)

    assert waiting is not None
    assert (waiting["executed_qty"] or 0) == 0
    assert waiting["error_reason"].startswith("not_open")


async def test_a_restart_remembers_what_paper_orders_took_shortly_before(database_url: str) -> None:
    asks, shown, stop = ("ABCUSDT", Side.SELL), [Level(Decimal(2), Decimal(1_000_000))], asyncio.Event()
    async with open_database(database_url) as database:
        time = Time()
        before = Executor(database, ModelExchange(time), time, live=False)
        await before.buy(a_coin("ABC", time))
        [order] = await before.rows()

        after = PaperFootprint(60)
        await recall_footprint(database, after, 60, stop, now=time, clock=lambda: 0.0)

    assert order["executed_qty"] > 0
    assert after.remaining(asks, shown, 0) == before.footprint.remaining(asks, shown, monotonic())
    assert after.remaining(asks, shown, 0) == (Level(Decimal(2), 1_000_000 - order["executed_qty"]),)
    assert after.remaining(asks, shown, 60) == tuple(shown)
