"""Paper against a live twin: the same markets, once with orders at the exchange and once without, come to the same."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.running.desks import Desk, desk
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

APART_MAX: Final = Decimal("0.01")
NOTHING = Decimal(0)
Book = list[list[str]]
Script = Callable[[Desk, str], Awaitable[None]]
"""What happens to the market of a coin after it was bought, until all of it is sold."""


@dataclass(frozen=True)
class Twin:
    """A market, and what is to be done in it."""

    script: Script
    settings: Mapping[str, Any] = field(default_factory=dict)
    coin: Mapping[str, Any] = field(default_factory=dict)
    asks: Book = field(default_factory=lambda: [["1.00", "30"], ["1.01", "40"], ["1.02", "1000"]])


@dataclass(frozen=True)
class Ledger:
    """What orders came to, fees included."""

    bought: Decimal
    spent: Decimal
    sold: Decimal
    received: Decimal
    sales: int


async def bids(opened: Desk, symbol: str, *levels: tuple[str, str]) -> None:
    price = levels[0][0]
    await opened.simulator.change_coin(symbol, price=price, bids=[list(level) for level in levels], asks=None)


async def by_hand(opened: Desk, symbol: str) -> None:
    [position] = await opened.positions(symbol)
    await opened.execute(
        "INSERT INTO close_requests (listing_key, mode, requested_by) VALUES ($1, $2, 'test')",
        position["listing_key"],
        position["mode"],
    )


async def ten_dear_bids_above_many_cheap_ones(opened: Desk, symbol: str) -> None:
    await bids(opened, symbol, ("1.20", "10"), ("0.50", "1000"))
    await by_hand(opened, symbol)


async def a_ladder_of_gains(opened: Desk, symbol: str) -> None:
    await bids(opened, symbol, ("1.40", "30"), ("1.30", "30"), ("1.20", "1000"))


async def a_thin_ladder_that_is_replaced(opened: Desk, symbol: str) -> None:
    await bids(opened, symbol, ("0.85", "30"), ("0.84", "10"))
    await eventually(lambda: some_sold(opened, symbol), within_seconds=20)
    await bids(opened, symbol, ("0.83", "25"), ("0.82", "1000"))


async def a_level_that_grows(opened: Desk, symbol: str) -> None:
    await bids(opened, symbol, ("0.85", "30"))
    await eventually(lambda: some_sold(opened, symbol), within_seconds=20)
    await bids(opened, symbol, ("0.86", "20"))
    await eventually(lambda: some_sold(opened, symbol, 45), within_seconds=20)
    await bids(opened, symbol, ("0.80", "500"))


async def some_sold(opened: Desk, symbol: str, quantity: int = 1) -> bool:
    return (await ledger(opened, symbol)).sold >= quantity


async def is_looked_at(opened: Desk, symbol: str) -> bool:
    """Whether its stop has a reference: that of the market as it was bought in."""
    return (await opened.positions(symbol))[0]["stop_reference"] is not None


async def ledger(opened: Desk, symbol: str) -> Ledger:
    orders = await opened.rows("SELECT * FROM orders WHERE symbol = $1 AND executed_qty > 0", symbol)
    buys, sales = ([each for each in orders if each["side"] == side] for side in ("BUY", "SELL"))
    return Ledger(
        bought=sum((each["executed_qty"] for each in buys), NOTHING),
        spent=sum((each["cost"] + each["fee"] for each in buys), NOTHING),
        sold=sum((each["executed_qty"] for each in sales), NOTHING),
        received=sum((each["cost"] - each["fee"] for each in sales), NOTHING),
        sales=len(sales),
    )


async def played(database_url: str, simulator: Simulator, directory: Path, twin: Twin, *, live: bool) -> Ledger:
    symbol = "LIVEUSDT" if live else "PAPERUSDT"
    async with desk(database_url, simulator, directory, live=live, **twin.settings) as opened:
        await opened.buy(symbol, asks=twin.asks, bids=[["0.99", "1000"]], **twin.coin)
        await eventually(lambda: is_looked_at(opened, symbol), within_seconds=20)
        await twin.script(opened, symbol)
        await opened.position_in(symbol, "closed", "dust")
        return await ledger(opened, symbol)


STOP: Mapping[str, Any] = {"stop_loss_pct": 10, "stop_grace_seconds": 0}


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param(Twin(ten_dear_bids_above_many_cheap_ones, coin={"price_protection": "0"}), id="ten dear bids"),
        pytest.param(Twin(a_ladder_of_gains, {"take_profit_pct": 15}), id="take-profit ladder"),
        pytest.param(Twin(a_thin_ladder_that_is_replaced, STOP), id="stop, in parts"),
        pytest.param(Twin(a_level_that_grows, STOP), id="bids that come in turn"),
        pytest.param(
            Twin(a_ladder_of_gains, {"take_profit_pct": 15}, asks=[["1.00", "30"], ["1.04", "11.5"]]),
            id="bought in part",
        ),
        pytest.param(Twin(a_ladder_of_gains, {"take_profit_pct": 15, "order_usdt": 60}), id="a size below the limit"),
    ],
)
async def test_a_dry_run_comes_to_what_live_orders_on_the_same_market_do(
    database_url: str, simulator: Simulator, tmp_path: Path, twin: Twin
) -> None:
    live = await played(database_url, simulator, tmp_path, twin, live=True)
    paper = await played(database_url, simulator, tmp_path, twin, live=False)

    assert live.sold > 0
    for ours, theirs in (
        (paper.bought, live.bought),
        (paper.spent, live.spent),
        (paper.sold, live.sold),
        (paper.received, live.received),
    ):
        assert abs(ours - theirs) <= theirs * APART_MAX, (paper, live)
