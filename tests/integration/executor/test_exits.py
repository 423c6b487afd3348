"""Positions are sold when they are due, once, and what they cost is free again."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.events import HealthStatus, TradeStatus
from shared.process.runtime import Runtime
from tests.support.running.desks import SECONDS, Desk, desk, executor_running, fresh, statuses, watched_runtime
from tests.support.running.services import open_database
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

NOTHING = (Decimal("0.00"), Decimal("0.00"))


async def close_by_hand(opened: Desk, symbol: str, mode: str = "live") -> None:
    await opened.execute(
        "INSERT INTO close_requests (listing_key, mode, requested_by) VALUES ($1, $2, 'test')", f"{symbol}:1", mode
    )


async def test_nothing_is_sold_while_nothing_is_due(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path, take_profit_pct=50, stop_loss_pct=50) as opened:
        bought = await opened.buy("KEEPUSDT")
        await opened.move("KEEPUSDT", "1.3")
        await eventually(lambda: peak_of(opened, "KEEPUSDT"), within_seconds=SECONDS)

        assert bought["base_qty"] > 90
        assert await opened.exposure() == (Decimal("0.00"), bought["cost_usdt"])
        assert await opened.sales("KEEPUSDT") == []


async def peak_of(opened: Desk, symbol: str) -> Decimal | None:
    [position] = await opened.positions(symbol)
    peak: Decimal = position["peak_price"]
    return peak if peak > Decimal("1.2") else None


@pytest.mark.parametrize(
    ("settings", "prices", "reason"),
    [
        ({"take_profit_pct": 10}, ["1.15"], "take_profit"),
        ({"stop_loss_pct": 10, "take_profit_pct": 900}, ["0.85"], "stop_loss"),
        ({"trailing_stop_pct": 10}, ["1.4", "1.2"], "trailing_stop"),
        ({"holding_seconds_max": 0.3}, [], "holding_time"),
    ],
)
async def test_a_due_position_is_sold_whole_and_frees_what_it_cost(
    database_url: str, simulator: Simulator, tmp_path: Path, settings: dict[str, Any], prices: list[str], reason: str
) -> None:
    async with desk(database_url, simulator, tmp_path, **settings) as opened:
        await opened.buy("DUEUSDT")
        for price in prices:
            await opened.move("DUEUSDT", price)
            if price != prices[-1]:
                await eventually(lambda: peak_of(opened, "DUEUSDT"), within_seconds=SECONDS)
        closed = await opened.position_in("DUEUSDT", "closed")
        trade = await opened.trade("DUEUSDT", "SELL", TradeStatus.FILLED)
        [sent] = await opened.sent_sales("DUEUSDT")

        assert statuses(await opened.sales("DUEUSDT")) == [(1, "filled", reason)]
        assert (closed["base_qty"], closed["cost_usdt"]) == (0, 0)
        assert await opened.exposure() == NOTHING
        assert (trade.exit_reason, trade.quote_qty) == (reason, closed["received_usdt"])
        assert sent["type"] == "IMMEDIATE_OR_CANCEL"


async def test_a_position_is_closed_when_an_operator_asks(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.buy("HANDUSDT")
        await close_by_hand(opened, "HANDUSDT")
        await opened.position_in("HANDUSDT", "closed")

        assert statuses(await opened.sales("HANDUSDT")) == [(1, "filled", "by_hand")]
        assert await opened.exposure() == NOTHING


async def test_what_a_thin_book_leaves_is_sold_next_and_frees_its_share_exactly(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        bought = await opened.buy("THINUSDT")
        await simulator.change_coin("THINUSDT", price="0.85", bids=[["0.85", "30"]])
        await eventually(lambda: received(opened, "THINUSDT"), within_seconds=SECONDS)
        [part] = await opened.positions("THINUSDT")
        # The price is back where it was, so that nothing but the begun sale is a reason for the rest.
        await simulator.change_coin("THINUSDT", price="1", bids=None)
        await opened.position_in("THINUSDT", "closed", "dust")
        sold = [each for each in await opened.sales("THINUSDT") if each["executed_qty"]]

        share = (bought["cost_usdt"] * 30 / bought["base_qty"]).quantize(Decimal("0.01"), "ROUND_DOWN")
        assert (part["base_qty"], part["cost_usdt"]) == (bought["base_qty"] - 30, bought["cost_usdt"] - share)
        assert [(each["exit_reason"], each["state"]) for each in sold] == [
            ("stop_loss", "partially_filled"),
            ("remainder", "filled"),
        ]
        assert sum(each["executed_qty"] for each in sold) <= bought["base_qty"]
        assert await opened.exposure() == NOTHING


async def received(opened: Desk, symbol: str) -> bool:
    [position] = await opened.positions(symbol)
    return bool(position["received_usdt"])


async def test_dust_is_marked_is_not_tried_and_what_it_cost_stays_at_stake(database_url: str, tmp_path: Path) -> None:
    async with (
        simulator_in_this_process(fee_asset="base") as simulator,
        desk(database_url, simulator, tmp_path, take_profit_pct=10, dust_seconds=0.3) as opened,
    ):
        await opened.buy("DUSTUSDT")
        await opened.move("DUSTUSDT", "1.15")
        left = await opened.position_in("DUSTUSDT", "dust")
        sales = await opened.sales("DUSTUSDT")
        looked = (await simulator.requests())["GET /api/v3/depth"]
        await opened.buy("NEXTUSDT")
        await eventually(lambda: looks_since(simulator, looked, 5), within_seconds=SECONDS)

        assert 0 < left["base_qty"] < 1
        assert statuses(sales) == [(1, "filled", "take_profit")]
        assert len(await opened.sent_sales("DUSTUSDT")) == 1
        assert await opened.sales("DUSTUSDT") == sales
        next_cost = (await opened.positions("NEXTUSDT"))[0]["cost_usdt"]
        assert left["cost_usdt"] > 0
        assert await opened.exposure() == (Decimal("0.00"), left["cost_usdt"] + next_cost)


async def account_reads_since(simulator: Simulator, before: int, reads: int) -> bool:
    return (await simulator.requests())["GET /api/v3/account"] >= before + reads


async def looks_since(simulator: Simulator, before: int, looks: int) -> bool:
    return (await simulator.requests())["GET /api/v3/depth"] >= before + looks


async def test_coins_that_have_not_arrived_are_sold_once_they_have(database_url: str, tmp_path: Path) -> None:
    async with (
        simulator_in_this_process(settle_seconds=1.5) as simulator,
        # However busy the machine is, the one sale is sent in time: when it is decided on is what is tested.
        desk(database_url, simulator, tmp_path, holding_seconds_max=0.1, sale_seconds=20) as opened,
    ):
        await opened.buy("LAGUSDT")
        await opened.position_in("LAGUSDT", "closed")

        assert statuses(await opened.sales("LAGUSDT")) == [(1, "filled", "holding_time")]
        assert await opened.exposure() == NOTHING


async def test_a_part_too_small_to_be_sold_says_nothing_of_the_rest_that_is_on_its_way(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        simulator_in_this_process(settle_seconds=3) as simulator,
        desk(database_url, simulator, tmp_path, holding_seconds_max=0.1, other_holdings={"PARTLY"}) as opened,
    ):
        await simulator.fund(PARTLY="0.5")
        bought = await opened.buy("PARTLYUSDT")
        looked = (await simulator.requests())["GET /api/v3/account"]
        await eventually(lambda: account_reads_since(simulator, looked, 1), within_seconds=SECONDS)
        [early] = await opened.positions("PARTLYUSDT")
        await opened.position_in("PARTLYUSDT", "closed")
        sales = await opened.sales("PARTLYUSDT")

        assert early["cost_usdt"] == bought["cost_usdt"]
        assert statuses(sales) == [(1, "filled", "holding_time")]
        assert sales[-1]["executed_qty"] == bought["base_qty"]
        assert await opened.exposure() == NOTHING


async def test_a_sale_that_is_refused_for_now_is_tried_again_later_each_time(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, take_profit_pct=10) as opened:
        await opened.buy("SOONUSDT")
        await simulator.arm("api_error", code=30005, message="Oversold", count=3)
        moved_at = time.time()
        await opened.move("SOONUSDT", "1.15")
        await opened.position_in("SOONUSDT", "closed")
        sent = await opened.sent_sales("SOONUSDT")

        states = [state for _, state, _ in statuses(await opened.sales("SOONUSDT"))]
        assert states == ["rejected", "rejected", "rejected", "filled"]
        after = [each["received_at_ns"] / 1e9 - moved_at for each in sent]
        # The first waits are 0.1, 0.2 and 0.4 s, each from the look that began the attempt before.
        assert all(each >= least for each, least in zip(after, (0, 0.09, 0.28, 0.66), strict=True)), after
        assert len({each["client_order_id"] for each in sent}) == len(sent)


async def test_a_halt_of_purchases_leaves_exits_running(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, take_profit_pct=10) as opened:
        await opened.buy("HALTUSDT")
        await opened.execute("UPDATE trade_config SET halted = true, halted_reason = 'test'")
        await simulator.list_coin("NONEUSDT", price="1", swing=0)
        await opened.tell(fresh("NONEUSDT"))
        refused = await opened.trade("NONEUSDT", "BUY", TradeStatus.REJECTED)
        await opened.move("HALTUSDT", "1.15")
        await opened.position_in("HALTUSDT", "closed")

        assert (refused.error_reason or "").startswith("halted")


async def test_a_halt_of_everything_stops_exits_until_it_is_lifted(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, take_profit_pct=10) as opened:
        await opened.buy("STOPUSDT")
        await opened.execute("UPDATE trade_config SET halted = true, exits_halted = true, halted_reason = 'test'")
        await eventually(lambda: opened.figure("sniper_executor_halted", scope="exits") == 1)
        await opened.move("STOPUSDT", "1.15")
        await opened.exits_say(HealthStatus.DEGRADED, "sales are halted")
        before = await opened.sales("STOPUSDT")
        sold_meanwhile = [each for each in await simulator.orders("STOPUSDT") if each["side"] == "SELL"]
        await opened.execute("UPDATE trade_config SET halted = false, exits_halted = false, resumed_at = now()")
        await opened.position_in("STOPUSDT", "closed")

        assert sold_meanwhile == []
        assert before == []
        await opened.exits_say(HealthStatus.RUNNING)


async def test_a_sale_whose_answer_is_lost_is_looked_up_and_never_sent_again(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    quick: dict[str, Any] = {"exchange_timeout_seconds": 0.5, "take_profit_pct": 10}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        await opened.buy("LOSTUSDT")
        await simulator.arm("hang_after_accept")
        await opened.move("LOSTUSDT", "1.15")
        await opened.position_in("LOSTUSDT", "closed")

        assert len(await opened.sent_sales("LOSTUSDT")) == 1
        assert statuses(await opened.sales("LOSTUSDT")) == [(1, "filled", "take_profit")]
        assert await opened.exposure() == NOTHING


async def test_a_sale_that_never_arrived_is_followed_by_another(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    quick: dict[str, Any] = {"exchange_timeout_seconds": 0.5, "take_profit_pct": 10}
    async with desk(database_url, simulator, tmp_path, **quick) as opened:
        await opened.buy("GONEUSDT")
        await simulator.arm("hang_before_accept")
        await opened.move("GONEUSDT", "1.15")
        await opened.position_in("GONEUSDT", "closed")

        assert statuses(await opened.sales("GONEUSDT")) == [(1, "failed", "take_profit"), (2, "filled", "take_profit")]
        assert await opened.exposure() == NOTHING


async def test_a_dry_run_sells_to_the_bids_of_the_book(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path, live=False, take_profit_pct=10) as opened:
        bought = await opened.buy("PAPERUSDT")
        await simulator.change_coin("PAPERUSDT", price="1.2", bids=[["1.20", "50"], ["1.18", "1000"], ["1", "9000"]])
        closed = await opened.position_in("PAPERUSDT", "closed", "dust")
        sale = (await opened.sales("PAPERUSDT"))[0]

        sold = sale["executed_qty"]
        assert sale["cost"] == 50 * Decimal("1.20") + (sold - 50) * Decimal("1.18")
        assert sale["fee"] == sale["cost"] * Decimal("0.0005")
        assert bought["base_qty"] - sold < 1
        assert closed["received_usdt"] == (sale["cost"] - sale["fee"]).quantize(Decimal("0.01"), "ROUND_DOWN")
        assert await opened.exposure("dry-run") == NOTHING
        assert await opened.sent_sales("PAPERUSDT") == []


async def test_a_coin_that_is_gone_hides_nothing_of_the_others_and_is_told(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        await opened.buy("GONEUSDT")
        await opened.buy("THEREUSDT")
        await simulator.delist_coin("GONEUSDT")
        await opened.move("THEREUSDT", "0.85")
        await opened.position_in("THEREUSDT", "closed")
        await opened.exits_say(HealthStatus.DEGRADED, "1 positions are not watched: GONEUSDT:1 live")

        assert (await opened.positions("GONEUSDT"))[0]["state"] == "open"


async def test_live_positions_that_nobody_may_sell_are_told(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.buy("LIVEUSDT")
    async with desk(database_url, simulator, tmp_path, live=False, holding_seconds_max=0.1) as opened:
        await opened.exits_say(HealthStatus.DEGRADED, "1 positions are not watched: LIVEUSDT:1 live")

        assert (await opened.positions("LIVEUSDT"))[0]["state"] == "open"


async def test_an_executor_that_stops_with_positions_open_says_so(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with (
        open_database(database_url) as database,
        watched_runtime(database) as (runtime, trades, health),
    ):
        opened = Desk(simulator, runtime, trades, health)
        await opened.execute("UPDATE trade_config SET auto_trade = true")
        async with executor_running(runtime, simulator, tmp_path):
            await opened.exits_say(HealthStatus.RUNNING)
            await opened.buy("LEFTUSDT")
            await eventually(lambda: noticed(runtime), within_seconds=SECONDS)
        said = opened.health("exits")

        assert said == (HealthStatus.ERROR, "stopped, and 1 positions are not watched")


def noticed(runtime: Runtime) -> bool:
    """Tell whether the exits know of a live position."""
    labels = {"mode": "live", "state": "open"}
    return runtime.telemetry.registry.get_sample_value("sniper_executor_positions", labels) == 1


async def test_one_slow_sale_does_not_hold_up_the_stop_loss_of_another(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, exchange_timeout_seconds=15) as opened:
        await opened.buy("SLOWUSDT")
        await opened.buy("FASTUSDT")
        await simulator.arm("hold", accept=True)
        await opened.move("SLOWUSDT", "0.85")
        await opened.position_in("SLOWUSDT", "closing")
        await eventually(lambda: opened.sent_sales("SLOWUSDT"), within_seconds=SECONDS)
        await opened.move("FASTUSDT", "0.85")
        async with asyncio.timeout(10):  # Less than the slow one is waited for.
            await opened.position_in("FASTUSDT", "closed")
        states = {each["state"] for each in await opened.positions("SLOWUSDT")}
        await simulator.disarm("hold")
        await opened.position_in("SLOWUSDT", "closed")

        assert states == {"closing"}
