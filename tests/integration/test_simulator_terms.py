"""The terms of a symbol change under its traders' feet: rules, prices, fees, trades, openings."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, code, info_of, trading

MARKET: dict[str, Any] = {"price": "1", "swing": 0, "asks": [("1", "1000")], "bids": [("0.9", "1000")]}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process(taker_fee="0.01") as running:
        yield running


def limit(side: str, quantity: str, price: str) -> dict[str, Any]:
    return {
        "side": side,
        "type": "IMMEDIATE_OR_CANCEL",
        "quoteOrderQty": None,
        "quantity": quantity,
        "price": price,
    }


async def my_trades(trader: Trader, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await trader.signed("GET", "/api/v3/myTrades", symbol="NEWUSDT", **params)).json()
    return rows


async def test_scales_become_coarser_after_a_coin_was_bought(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("NEWUSDT", price_decimals=4, quantity_decimals=2, **MARKET)
    before = await trader.buy("NEWUSDT", **limit("BUY", "10.25", "1.0001"))

    await simulator.change_coin("NEWUSDT", price_decimals=2, quantity_decimals=0)
    shown = await info_of(trader, "NEWUSDT")
    answers = [
        await trader.buy("NEWUSDT", **limit("SELL", quantity, price))
        for quantity, price in (("10", "0.8999"), ("9.5", "0.89"), ("9", "0.89"))
    ]

    assert before.is_success
    assert shown is not None
    assert (shown["quotePrecision"], shown["baseAssetPrecision"], shown["baseSizePrecision"]) == (2, 0, "1")
    assert [each.status_code for each in answers] == [400, 400, 200]
    assert [code(each)[1] for each in answers[:2]] == [700008, 700008]


async def test_prices_beyond_the_filter_of_a_symbol_are_refused_against_its_last_price(
    simulator: Simulator, trader: Trader
) -> None:
    await simulator.list_coin("NEWUSDT", price_protection="0.03", last_price="2", **MARKET)
    shown = await info_of(trader, "NEWUSDT")
    refused = [
        await trader.buy("NEWUSDT", **limit("BUY", "10", "2.07")),
        await trader.buy("NEWUSDT", **limit("BUY", "10", "2.06")),
        await trader.buy("NEWUSDT", **limit("SELL", "5", "1.93")),
        await trader.buy("NEWUSDT", **limit("SELL", "5", "1.94")),
    ]
    await simulator.change_coin("NEWUSDT", price_protection="0")
    changed = await info_of(trader, "NEWUSDT")

    assert shown is not None
    assert changed is not None
    assert shown["filters"] == [
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "0.03", "askMultiplierDown": "0.03"}
    ]
    assert changed["filters"] == []
    assert [each.status_code for each in refused] == [400, 200, 400, 200]
    assert code(refused[0]) == code(refused[2]) == (400, 30087)
    assert (await trader.buy("NEWUSDT", **limit("SELL", "5", "0.9"))).is_success


async def test_exchange_info_shows_any_filters(simulator: Simulator, trader: Trader) -> None:
    filters = [{"filterType": "LOT_SIZE", "stepSize": "5", "minQty": None}, {"filterType": "NEVER_SEEN"}]
    await simulator.list_coin("NEWUSDT", filters=filters)
    shown = await info_of(trader, "NEWUSDT")
    await simulator.change_coin("NEWUSDT", filters=None)
    given_back = await info_of(trader, "NEWUSDT")

    assert shown is not None
    assert given_back is not None
    assert shown["filters"] == filters
    assert given_back["filters"][0]["filterType"] == "PERCENT_PRICE_BY_SIDE"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("cannot be less than：{amount}{asset}", "cannot be less than：5000USDT"),
        ("less than : {amount:,} USDC", "less than : 5,000 USDC"),
        ("too small", "too small"),
    ],
)
async def test_a_refusal_says_its_least_amount_in_any_words(
    simulator: Simulator, trader: Trader, words: str, said: str
) -> None:
    await simulator.list_coin("NEWUSDT", notional_min="5000", min_words=words, **MARKET)

    refused = await trader.buy("NEWUSDT")

    assert (code(refused), refused.json()["msg"]) == ((400, 30002), said)


async def test_a_refusal_says_its_most_and_its_cap_in_any_words(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin(
        "NEWUSDT", notional_max="15", max_words="not more than：{amount}{asset}", cap_words="cap {amount} ！", **MARKET
    )
    too_much = await trader.buy("NEWUSDT")
    await simulator.change_coin("NEWUSDT", notional_max="100", guard_seconds=600, guard_cap="1.05")
    too_dear = await trader.buy("NEWUSDT", **limit("BUY", "10", "1.06"))

    assert (code(too_much), too_much.json()["msg"]) == ((400, 30003), "not more than：15USDT")
    assert (code(too_dear), too_dear.json()["msg"]) == ((400, 30010), "cap 1.05 ！")


async def test_words_that_cannot_be_filled_in_are_refused(trader: Trader) -> None:
    response = await trader.http.post("/_sim/symbols", json={"symbol": "NEWUSDT", "min_words": "{0} {nothing}"})

    assert (response.status_code, response.json()["detail"][0]["field"]) == (422, "min_words")


@pytest.mark.parametrize(("side", "buys", "sells"), [(1, 200, 200), (2, 200, 400), (3, 400, 200), (4, 400, 400)])
async def test_a_symbol_takes_orders_of_one_side_only(
    simulator: Simulator, trader: Trader, side: int, buys: int, sells: int
) -> None:
    await simulator.fund(NEW="10", USDT="100")
    await simulator.list_coin("NEWUSDT", trade_side=side, **MARKET)
    shown = await info_of(trader, "NEWUSDT")

    answers = [await trader.buy("NEWUSDT", **limit(name, "5", "0.95")) for name in ("BUY", "SELL")]

    assert shown is not None
    assert shown["tradeSideType"] == side
    assert [each.status_code for each in answers] == [buys, sells]


async def test_an_order_filled_by_many_makers_shows_a_hundred_trades_a_query(
    simulator: Simulator, trader: Trader
) -> None:
    await simulator.list_coin("NEWUSDT", quantity_decimals=2, makers_per_level=128, trades_per_ms=50, **MARKET)
    placed = (await trader.buy("NEWUSDT", **limit("BUY", "100", "1"))).json()
    order_id = placed["orderId"]

    newest = await my_trades(trader, orderId=order_id, limit=1000)
    since = await my_trades(trader, orderId=order_id, startTime=newest[-1]["time"])
    rest = await my_trades(trader, orderId=order_id, endTime=newest[-1]["time"])
    everything = {each["id"]: each for each in (*newest, *rest)}

    assert (len(newest), len(since)) == (100, 100)
    assert [each["id"] for each in newest] == sorted((each["id"] for each in newest), reverse=True)
    assert {each["time"] - placed["transactTime"] for each in everything.values()} == {0, 1, 2}
    assert len(everything) == 128
    assert sum(Decimal(each["qty"]) for each in everything.values()) == 100


async def test_trades_within_one_millisecond_and_the_oldest_first() -> None:
    async with simulator_in_this_process(trades_order="oldest") as simulator, trading(simulator) as trader:
        await simulator.list_coin("NEWUSDT", quantity_decimals=2, makers_per_level=128, **MARKET)
        await trader.buy("NEWUSDT", **limit("BUY", "100", "1"))
        await trader.buy("NEWUSDT", **limit("BUY", "1", "1"))

        trades = await my_trades(trader)

    assert len(trades) == 100
    assert len({each["time"] for each in trades}) == 1
    assert [each["id"] for each in trades] == sorted(each["id"] for each in trades)


async def test_a_fee_is_paid_partly_in_the_coins_and_partly_in_quote(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("NEWUSDT", makers_per_level=2, fee_asset="mixed", **MARKET)
    await trader.buy("NEWUSDT", **limit("BUY", "100", "1"))

    fees = {each["commissionAsset"]: Decimal(each["commission"]) for each in await my_trades(trader)}
    balances = (await trader.signed("GET", "/api/v3/account")).json()["balances"]
    free = {each["asset"]: Decimal(each["free"]) for each in balances}

    assert fees == {"NEW": Decimal("0.5"), "USDT": Decimal("0.5")}
    assert free == {"NEW": Decimal("99.5"), "USDT": Decimal("9899.5")}


async def test_the_last_trade_stands_apart_from_the_book(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("NEWUSDT", last_price="0.95", **MARKET)

    assert (await trader.get("/api/v3/ticker/price", symbol="NEWUSDT"))["price"] == "0.95"
    assert (await trader.get("/api/v3/ticker/24hr", symbol="NEWUSDT"))["lastPrice"] == "0.95"
    assert (await trader.get("/api/v3/trades", symbol="NEWUSDT"))[0]["price"] == "0.95"
    assert (await trader.get("/api/v3/ticker/bookTicker", symbol="NEWUSDT"))["bidPrice"] == "0.9"


@pytest.mark.parametrize("moved", [{"opens_late_by": 60}, {}])
async def test_an_opening_moves_and_nothing_says_so(
    simulator: Simulator, trader: Trader, moved: dict[str, Any]
) -> None:
    listed = await simulator.list_coin("NEWUSDT", opens_in=0.2 if moved else 3600, **moved, **MARKET)
    if not moved:
        await simulator.change_coin("NEWUSDT", opens_quietly_in=0)

    coins = (await trader.get("/api/operation/new_coin_calendar"))["data"]["newCoins"]
    [coin] = [each for each in coins if each["vcoinName"] == "NEW"]
    shown = await info_of(trader, "NEWUSDT")
    bought = await trader.buy("NEWUSDT")

    assert shown is not None
    assert shown["firstOpenTime"] == coin["firstOpenTime"] == listed["first_open_time_ms"]
    assert bought.is_success is not bool(moved)
    assert (await simulator.coin("NEWUSDT"))["opens_at_ms"] != listed["first_open_time_ms"]


async def test_a_symbol_appears_that_says_it_opened_two_years_ago(simulator: Simulator, trader: Trader) -> None:
    long_ago_ms = time.time_ns() // 1_000_000 - 2 * 365 * 86_400_000
    await simulator.list_coin("NEWUSDT", first_open_time_ms=long_ago_ms, **MARKET)
    shown = await info_of(trader, "NEWUSDT")

    assert shown is not None
    assert shown["firstOpenTime"] == long_ago_ms
    assert (await trader.buy("NEWUSDT")).is_success
