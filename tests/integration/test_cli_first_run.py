"""The screen of `sniper up` over a database: results, the standing, and the two ways to show them."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from itertools import count
from typing import Any

import pytest
from rich.console import Console

from api.schemas import TradeRow
from cli.display import overview
from cli.display.live_screen import LiveScreen
from cli.display.results import Result, result_of
from shared.events import Side, TradeStatus, utc_now
from shared.postgres.database import Database
from tests.support.data import rows
from tests.support.running.services import open_database
from tests.unit.cli.test_watch_lines import TRADE
from tests.waiting import eventually

SOLD = TRADE.model_copy(update={"side": Side.SELL, "exit_reason": "stop_loss"})


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        yield database


async def store(database: Database, table: str, **row: Any) -> None:
    async with database.engine.begin() as connection:
        await rows.store(connection, table, **row)


async def bought_for(database: Database, cost: str, **fields: Any) -> None:
    purchase = {"symbol": "ABCUSDT", "listing_key": "ABCUSDT:1", "mode": "dry-run", "side": "BUY", "status": "filled"}
    await store(database, "trades", **purchase | {"quote_qty": Decimal(cost), **fields})


async def sold_for(database: Database, received: str, state: str = "closed", **fields: Any) -> None:
    position = {"symbol": "ABCUSDT", "listing_key": "ABCUSDT:1", "mode": "dry-run", "state": state}
    await store(database, "positions", **position | {"received_usdt": Decimal(received), **fields})


async def test_the_result_of_a_closed_position_is_its_sales_less_its_purchase(database: Database) -> None:
    await bought_for(database, "95.50")
    await bought_for(database, "1.00", mode="live", event_id="live", client_order_id="live")
    await sold_for(database, "114.60")

    result = await result_of(database, SOLD)

    assert result == Result(Decimal("95.50"), Decimal("114.60"))
    assert result.gain == Decimal("19.10")
    assert result.percent == 20


@pytest.mark.parametrize(
    "row", [TRADE, SOLD.model_copy(update={"status": TradeStatus.REJECTED})], ids=["purchase", "unsold"]
)
async def test_what_sells_nothing_has_no_result(database: Database, row: TradeRow) -> None:
    await bought_for(database, "95.50")
    await sold_for(database, "114.60")

    assert await result_of(database, row) is None


async def test_a_position_that_is_sold_in_part_has_no_result_yet(database: Database) -> None:
    await bought_for(database, "95.50")
    await sold_for(database, "50", state="open")

    assert await result_of(database, SOLD) is None


async def prices(symbols: Collection[str]) -> Mapping[str, Decimal]:
    return dict.fromkeys(symbols, Decimal("0.0000000002"))


async def test_the_standing_holds_positions_openings_and_what_is_at_stake(database: Database) -> None:
    await sold_for(database, "0", state="open")
    await sold_for(database, "9", listing_key="OLDUSDT:1", symbol="OLDUSDT")
    later, sooner = (utc_now() + timedelta(seconds=seconds) for seconds in (60, 30))
    for name, fire_at in (("LATE", later), ("UNKNOWN", None), ("SOON", sooner)):
        names = dict.fromkeys(("symbol", "listing_key", "base_asset", "client_order_id"), name)
        await store(database, "orders", **names, state="armed", fire_at=fire_at)
    await store(database, "exposure", reserved_usdt=Decimal(10), filled_usdt=Decimal("20.5"), ceiling_usdt=Decimal(99))

    found = await overview.gather(database, prices)

    assert [each.symbol for each in found.held] == ["ABCUSDT"]
    assert found.result_pct(found.held[0]) == 100
    assert [each.symbol for each in found.armed] == ["SOON", "LATE", "UNKNOWN"]
    assert (found.exposure, found.exposure_max) == (Decimal("30.50"), Decimal("1000.00"))


@asynccontextmanager
async def showing(database: Database, *, terminal: bool) -> AsyncIterator[StringIO]:
    """Show what happens on a console, from a standing that holds one position on."""
    await sold_for(database, "0", state="open")
    written, ready, stop = StringIO(), asyncio.Event(), asyncio.Event()
    console = Console(file=written, force_terminal=terminal, width=100, height=30, highlight=False)
    ready.set()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(LiveScreen(console, database, prices).show(ready, stop), name="screen")
        try:
            yield written
        finally:
            stop.set()


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
async def test_events_are_lines_and_the_standing_is_beside_them(database: Database, terminal: bool) -> None:
    numbers = count(1)
    async with showing(database, terminal=terminal) as written:
        await eventually(lambda: "ABCUSDT" in written.getvalue())

        async def told() -> bool:
            number = next(numbers)
            await store(database, "listings", symbol=f"NEW{number}USDT", listing_key=f"NEW{number}USDT:1")
            return "seen by" in written.getvalue()

        await eventually(told, every_seconds=0.2)

    shown = written.getvalue()
    assert "+100.0 %" in shown
    assert ("held" in shown, "now      ABCUSDT" in shown) == (terminal, not terminal)
