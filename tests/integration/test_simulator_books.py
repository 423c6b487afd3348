"""Books that are garbage, holes or crumbs for a number of looks, and as they were after."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader

DEPTH, BEST, BESTS = "/api/v3/depth", "/api/v3/ticker/bookTicker", "/api/v3/ticker/bookTicker?"
GARBAGE = ("NaN", "Infinity", "-1", "", "1e999", "0", "9" * 400, None, 7, "one")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        await running.list_coin("NEWUSDT", price="1", swing=0, asks=[("1", "100")], bids=[("0.9", "100")])
        yield running


async def best(trader: Trader, path: str) -> list[Any]:
    """Return the best bid, the best ask and their quantities as *path* shows them; a field that is absent is "-"."""
    if path == DEPTH:
        book = await trader.get(path, symbol="NEWUSDT")
        levels = [*book["bids"][0], *book["asks"][0]]
    else:
        shown = await trader.get(path, **({} if path == BESTS else {"symbol": "NEWUSDT"}))
        rows = shown if path == BESTS else [shown]
        [row] = [each for each in rows if each["symbol"] == "NEWUSDT"]
        levels = [row.get(name, "-") for name in ("bidPrice", "bidQty", "askPrice", "askQty")]
    return levels


@pytest.mark.parametrize("path", [DEPTH, BEST, BESTS])
@pytest.mark.parametrize("value", GARBAGE)
async def test_a_book_holds_garbage_for_one_look(
    simulator: Simulator, trader: Trader, path: str, value: str | float | None
) -> None:
    await simulator.arm("bad_book", symbol="NEWUSDT", value=value)

    looks = [await best(trader, path) for _ in range(2)]

    assert looks == [[value, "100", "1", "100"], ["0.9", "100", "1", "100"]]


@pytest.mark.parametrize("field", ["bidPrice", "bidQty", "askPrice", "askQty"])
async def test_each_field_of_a_book_can_be_garbage_or_absent_until_it_is_deleted(
    simulator: Simulator, trader: Trader, field: str
) -> None:
    await simulator.arm("bad_book", symbol="NEWUSDT", field=field, value="2", count=None)
    bad = [await best(trader, path) for path in (DEPTH, BEST, DEPTH)]
    await simulator.disarm("bad_book")
    await simulator.arm("bad_book", symbol="NEWUSDT", field=field, missing=True, count=None)
    absent = [await best(trader, BEST), await best(trader, BESTS), await best(trader, DEPTH)]

    assert [each.count("2") for each in bad] == [1, 1, 1]
    assert [each.count("-") for each in absent] == [1, 1, 0]
    assert len(absent[2]) == 3


async def test_the_garbage_of_one_book_leaves_others_and_refusals_alone(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("bad_book", symbol="NEWUSDT", count=None)

    others = {each["symbol"]: each["bidPrice"] for each in await trader.get("/api/v3/ticker/bookTicker")}
    depth = await trader.get("/api/v3/depth", symbol="BTCUSDT")
    await simulator.delist_coin("NEWUSDT")

    assert [symbol for symbol, price in others.items() if price == "NaN"] == ["NEWUSDT"]
    assert depth["bids"][0][0] != "NaN"
    assert (await trader.http.get("/api/v3/depth", params={"symbol": "NEWUSDT"})).status_code == 400


@pytest.mark.parametrize("path", [DEPTH, BEST, BESTS])
@pytest.mark.parametrize(
    ("bids", "shown"), [([("0.001", "5")], ["0.001", "5"]), ([("2", "1"), ("0.5", "100000")], ["2", "1"])]
)
async def test_bids_are_a_hole_or_a_crumb_for_exactly_two_looks(
    simulator: Simulator, trader: Trader, path: str, bids: list[tuple[str, str]], shown: list[str]
) -> None:
    await simulator.arm("book_look", symbol="NEWUSDT", bids=bids, count=2)

    looks = [await best(trader, path) for _ in range(3)]

    assert looks == [[*shown, "1", "100"], [*shown, "1", "100"], ["0.9", "100", "1", "100"]]


async def test_a_book_looks_empty_and_trades_as_it_is(simulator: Simulator, trader: Trader) -> None:
    await simulator.arm("book_look", symbol="NEWUSDT", bids=[], asks=[], count=None)

    assert (await trader.get(DEPTH, symbol="NEWUSDT"))["asks"] == []
    assert await best(trader, BEST) == ["0", "0", "0", "0"]
    bought = (await trader.buy("NEWUSDT")).json()
    order = (await trader.look_up("NEWUSDT", orderId=bought["orderId"])).json()
    assert (order["status"], order["cummulativeQuoteQty"]) == ("FILLED", "20")
