"""Exits that people change while the executor runs, for all positions or for one, and what halts and ends by itself."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from api.operator import config_history, held_positions, position_exits, trade_config
from api.operator.position_exits import ExitChange
from cli.composing import first_run
from executor.exits.environment_exits import plant, seed
from executor.journal.held_positions import read_held
from executor.pricing.fair_values import FairValues
from executor.settings import ExitSeeds
from executor.supervision.auto_trade_expiry import end_if_due
from executor.supervision.daily_loss_breaker import DailyLossBreaker
from shared.control.halts import IN_FORCE
from shared.events import HealthStatus, Mode, TradeStatus, utc_now
from shared.postgres.database import Database
from tests.support.running.desks import SECONDS, Desk, desk, fresh, statuses
from tests.support.running.services import open_database
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

LADDER = [{"at_pct": 20, "sell_pct": 50}, {"at_pct": 50, "sell_pct": 50}]


async def configure(opened: Desk, **changes: object) -> None:
    """Change the configuration as an operator does."""
    await trade_config.change(opened.database, changes, changed_by="test", confirmation="live")


async def set_own(opened: Desk, symbol: str, **own: object) -> None:
    """Give *symbol* exits of its own, as an operator does."""
    for position in await held_positions.find_held(opened.database, symbol, None, sellable=False):
        await position_exits.change(opened.database, position, ExitChange(own), changed_by="test")


async def has_been_looked_at(opened: Desk, symbol: str) -> bool:
    [position] = await opened.positions(symbol)
    return position["stop_reference"] is not None


async def falls(opened: Desk, symbol: str, price: str) -> None:
    """Let the price fall once a stop is measured from what it was before."""
    await eventually(lambda: has_been_looked_at(opened, symbol), within_seconds=SECONDS)
    await opened.move(symbol, price)


async def test_a_stop_that_is_tightened_while_it_runs_sells_what_is_held(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=50) as opened:
        await opened.buy("TIGHTUSDT")
        await falls(opened, "TIGHTUSDT", "0.9")
        await configure(opened, stop_loss_pct=5)
        await opened.position_in("TIGHTUSDT", "closed")

        assert statuses(await opened.sales("TIGHTUSDT")) == [(1, "filled", "stop_loss")]


async def test_a_position_with_a_stop_of_its_own_is_sold_and_the_others_are_not(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=50) as opened:
        for symbol in ("OWNUSDT", "OTHERUSDT"):
            await opened.buy(symbol)
            await falls(opened, symbol, "0.9")
        await set_own(opened, "OWNUSDT", stop_loss_pct=5)
        await opened.position_in("OWNUSDT", "closed")

        assert statuses(await opened.sales("OWNUSDT")) == [(1, "filled", "stop_loss")]
        assert await opened.sales("OTHERUSDT") == []


async def test_a_position_without_a_stop_is_kept_where_the_configured_one_sells_the_others(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        for symbol in ("KEPTUSDT", "SOLDUSDT"):
            await opened.buy(symbol)
            await falls(opened, symbol, "0.8")
        await set_own(opened, "KEPTUSDT", stop_loss_pct=None)
        await configure(opened, stop_loss_pct=5)
        await opened.position_in("SOLDUSDT", "closed")

        assert await opened.sales("KEPTUSDT") == []


async def test_a_ladder_sells_half_then_the_rest_and_takes_no_step_twice_over_a_restart(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, take_profit_ladder=LADDER) as opened:
        bought = await opened.buy("STEPUSDT")
        await opened.move("STEPUSDT", "1.25")
        await opened.trade("STEPUSDT", "SELL", TradeStatus.FILLED)
    async with desk(database_url, simulator, tmp_path, take_profit_ladder=LADDER) as opened:
        # It is looked at again, and its first step is done.
        await opened.move("STEPUSDT", "1.3")
        await eventually(lambda: peak_above(opened, "STEPUSDT", "1.29"), within_seconds=SECONDS)
        [half] = await opened.positions("STEPUSDT")
        await opened.move("STEPUSDT", "1.6")
        closed = await opened.position_in("STEPUSDT", "closed")
        sales = await opened.sales("STEPUSDT")

    assert statuses(sales) == [(1, "filled", "take_profit_step"), (2, "filled", "take_profit_step")]
    assert half["state"] == "open"
    assert abs(half["base_qty"] - bought["base_qty"] / 2) <= Decimal("0.01")
    assert sum(each["executed_qty"] for each in sales) == bought["base_qty"]
    assert closed["received_usdt"] > Decimal("1.35") * bought["cost_usdt"]


async def peak_above(opened: Desk, symbol: str, price: str) -> bool:
    [position] = await opened.positions(symbol)
    return bool(position["peak_price"] > Decimal(price))


async def test_everything_is_sold_also_what_a_purchase_under_way_still_buys(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.buy("HELDUSDT")
        await simulator.list_coin("LATEUSDT", price="1", swing=0)
        await simulator.arm("hold", endpoint="POST /api/v3/order", count=1)
        await opened.tell(fresh("LATEUSDT"))
        await eventually(lambda: is_sending(opened, "LATEUSDT"), within_seconds=SECONDS)

        done = await trade_config.halt_and_sell(opened.database, "get out", changed_by="test")
        await simulator.disarm()
        for symbol in ("HELDUSDT", "LATEUSDT"):
            await opened.position_in(symbol, "closed")
        refused = fresh("NEXTUSDT")
        await simulator.list_coin("NEXTUSDT", price="1", swing=0)
        await opened.tell(refused)
        trade = await opened.trade("NEXTUSDT", "BUY", TradeStatus.REJECTED)

        assert done.positions == ["HELDUSDT:1 (live)"]
        assert {each["exit_reason"] for each in await opened.sales("LATEUSDT")} == {"by_hand"}
        assert str(trade.error_reason) == "halted: operator: get out"


async def is_sending(opened: Desk, symbol: str) -> bool:
    rows = await opened.rows("SELECT state FROM orders WHERE symbol = $1", symbol)
    return [row["state"] for row in rows] == ["sending"] and bool(await opened.simulator.orders(symbol))


async def test_what_was_to_be_sold_as_a_whole_is_still_sold_after_trading_resumed(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.buy("STUCKUSDT")
        await simulator.change_coin("STUCKUSDT", bids=[])
        await trade_config.halt_and_sell(opened.database, "get out", changed_by="test")
        await trade_config.resume(opened.database, changed_by="test")
        await simulator.change_coin("STUCKUSDT", bids=None)
        await opened.position_in("STUCKUSDT", "closed")

        assert {each["exit_reason"] for each in await opened.sales("STUCKUSDT")} == {"by_hand"}


async def test_an_exit_that_cannot_be_read_is_named_and_the_others_hold(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10) as opened:
        await opened.buy("ODDUSDT")
        odd = [{"at_pct": 30, "sell_pct": 50, "of": "what is left"}]
        await opened.execute("UPDATE trade_config SET take_profit_ladder = $1", odd)
        await opened.exits_say(HealthStatus.DEGRADED, "ODDUSDT:1 live is watched without take_profit_ladder")
        await falls(opened, "ODDUSDT", "0.8")
        await opened.position_in("ODDUSDT", "closed")

        halted = await trade_config.halt(opened.database, "drill", changed_by="test")
        assert halted.halted


# The limit on a day's loss.


async def halts_of(opened: Desk) -> list[Mapping[str, Any]]:
    return await opened.rows("SELECT cause, mode, reason FROM halts ORDER BY id")


async def test_a_days_loss_halts_purchases_until_resumed_and_again_after_as_much_again(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    limits: dict[str, Any] = {"daily_loss_usdt_max": 30, "stop_loss_pct": 20}
    async with desk(database_url, simulator, tmp_path, **limits) as opened:
        for number in (1, 2):
            symbol = f"LOSS{number}USDT"
            await opened.buy(symbol)
            await falls(opened, symbol, "0.65")
            await eventually(partial(is_halted, opened, number), within_seconds=SECONDS)
            await opened.position_in(symbol, "closed")  # Exits go on.
            await simulator.list_coin(f"NOT{number}USDT", price="1", swing=0)
            await opened.tell(fresh(f"NOT{number}USDT"))
            refused = await opened.trade(f"NOT{number}USDT", "BUY", TradeStatus.REJECTED)
            assert str(refused.error_reason).startswith("halted: daily_loss: ")
            await eventually(lambda: loss_is_known(opened), within_seconds=SECONDS)
            await trade_config.resume(opened.database, changed_by="test")
            await knows_that_trading_resumed(opened)
        await opened.buy("ANEWUSDT")

        first, second = await halts_of(opened)
        assert (first["cause"], first["mode"]) == ("daily_loss", "live")
        assert "before trading was resumed" not in first["reason"]
        assert "before trading was resumed" in second["reason"]


async def knows_that_trading_resumed(opened: Desk) -> None:
    """Return once the executor has read twice what halts."""
    [now] = await opened.rows("SELECT clock_timestamp() AS at")
    first = await eventually(lambda: read_since(opened, now["at"]), within_seconds=SECONDS)
    assert first is not None
    await eventually(lambda: read_since(opened, first), within_seconds=SECONDS)


async def read_since(opened: Desk, moment: datetime) -> datetime | None:
    [row] = await opened.rows(
        "SELECT max(query_start) AS at FROM pg_stat_activity"
        " WHERE datname = current_database() AND query = $1 AND query_start > $2",
        IN_FORCE,
        moment,
    )
    at: datetime | None = row["at"]
    return at


async def is_halted(opened: Desk, times: int) -> bool:
    return len(await halts_of(opened)) == times


async def loss_is_known(opened: Desk) -> bool:
    """Whether what was lost since the halt is remembered, too: it is known to who resumes."""
    [row] = await opened.rows("SELECT day_result_usdt, loss_known_usdt FROM exposure WHERE mode = 'live'")
    return bool(row["loss_known_usdt"] >= -row["day_result_usdt"] > 0)


async def test_a_resumption_counts_from_the_loss_of_then_and_not_from_the_worst_of_the_halt(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, daily_loss_usdt_max=20, stop_loss_pct=90) as opened:
        await opened.buy("DIPUSDT")
        await falls(opened, "DIPUSDT", "0.5")
        await eventually(lambda: is_halted(opened, 1), within_seconds=SECONDS)
        await opened.move("DIPUSDT", "0.9")
        await eventually(lambda: is_known_below(opened, 20), within_seconds=SECONDS)
        await trade_config.resume(opened.database, changed_by="test")
        await opened.move("DIPUSDT", "0.6")
        await eventually(lambda: is_halted(opened, 2), within_seconds=SECONDS)


async def is_known_below(opened: Desk, usdt: int) -> bool:
    [row] = await opened.rows("SELECT loss_known_usdt FROM exposure WHERE mode = 'live'")
    return bool(row["loss_known_usdt"] < usdt)


async def test_what_is_sold_is_no_loss_twice_before_its_sale_was_seen(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    """The prices are those of before the sale, as they are until the next look."""
    async with desk(database_url, simulator, tmp_path, daily_loss_usdt_max=50, stop_loss_pct=20) as opened:
        await opened.buy("ONCEUSDT")
        [before] = (await read_held(opened.database)).held
        values = FairValues()
        values.record(before.position, Decimal("0.65"))
        await falls(opened, "ONCEUSDT", "0.65")
        await opened.position_in("ONCEUSDT", "closed")
        await DailyLossBreaker(opened.database, values, every_seconds=1, now=utc_now).compare()

        assert await halts_of(opened) == []


async def test_a_loss_on_paper_halts_only_dry_runs(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path, live=False, daily_loss_usdt_max=20) as opened:
        await opened.buy("PAPERUSDT")
        await falls(opened, "PAPERUSDT", "0.7")
        await eventually(lambda: is_halted(opened, 1), within_seconds=SECONDS)

        [halt] = await halts_of(opened)
        assert halt["mode"] == "dry-run"


# The end of live trading.


async def test_live_trading_ends_by_itself_without_the_api_and_that_is_audited(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await configure(opened, auto_trade_until=utc_now() + timedelta(seconds=5))
        await opened.buy("LIVEUSDT")
        await eventually(lambda: is_off(opened), within_seconds=SECONDS)
        await simulator.list_coin("PAPERUSDT", price="1", swing=0)
        await opened.tell(fresh("PAPERUSDT"))
        paper = await opened.trade("PAPERUSDT", "BUY", TradeStatus.FILLED)

        [live] = await opened.positions("LIVEUSDT")
        change = (await config_history.newest(opened.database, limit=1)).items[0]
        assert (live["mode"], paper.mode) == ("live", Mode.DRY_RUN)
        assert change.changed_by == "executor: auto_trade_until"
        assert change.changed()["auto_trade"] == (True, False)


async def is_off(opened: Desk) -> bool:
    [row] = await opened.rows("SELECT auto_trade, auto_trade_until FROM trade_config")
    return (row["auto_trade"], row["auto_trade_until"]) == (False, None)


async def test_two_executors_end_live_trading_once(database_url: str) -> None:
    now = utc_now()
    async with open_database(database_url) as database:
        until = {"auto_trade": True, "auto_trade_until": now + timedelta(hours=1)}
        await trade_config.change(database, until, changed_by="test", confirmation="live")

        early = await end_if_due(database, now)
        ended = await asyncio.gather(*(end_if_due(database, now + timedelta(hours=1)) for _ in range(2)))
        changes = (await config_history.newest(database, limit=10)).items

    assert not early
    assert sorted(ended) == [False, True]
    assert len(changes) == 2


# What an environment sets once.


async def test_an_environment_sets_exits_once_and_never_over_a_person(database_url: str) -> None:
    async with open_database(database_url) as database:
        await seed(database, ExitSeeds(stop_loss_pct=Decimal(30), slippage_pct=Decimal(2)))
        taken_over = await trade_config.read(database)
        await seed(database, ExitSeeds(stop_loss_pct=Decimal(40)))
        again = await trade_config.read(database)
        [change] = (await config_history.newest(database, limit=10)).items

    assert [taken_over.stop_loss_pct, taken_over.entry_slippage_pct, taken_over.take_profit_pct] == [30, 2, 50]
    assert again == taken_over
    assert (change.changed_by, sorted(change.changed())) == ("environment", ["entry_slippage_pct", "stop_loss_pct"])


async def test_an_environment_sets_nothing_that_a_person_has_set(database_url: str) -> None:
    async with open_database(database_url) as database:
        await trade_config.change(database, {"take_profit_pct": 70}, changed_by="test")
        await seed(database, ExitSeeds(stop_loss_pct=Decimal(40)))
        config = await trade_config.read(database)

    assert [config.take_profit_pct, config.stop_loss_pct] == [70, 15]


async def test_a_trailing_stop_of_the_environment_counts_from_the_first_look_as_it_always_did(
    database_url: str,
) -> None:
    async with open_database(database_url) as database:
        await seed(database, ExitSeeds(trailing_stop_pct=Decimal(8)))
        config = await trade_config.read(database)

    assert [config.trailing_stop_pct, config.trailing_activation_pct] == [8, None]


async def test_a_first_run_sets_its_exits_once(database_url: str) -> None:
    async with open_database(database_url) as database:
        exits = first_run.exits_at_first(ExitSeeds())
        await plant(database, exits, first_run.AUTHOR)
        begun = await trade_config.read(database)
        await trade_config.change(database, {"holding_seconds_max": 300}, changed_by="test")
        await plant(database, exits, first_run.AUTHOR)
        config = await trade_config.read(database)

    assert [begun.holding_seconds_max, begun.trailing_activation_pct] == [first_run.HOLDING_SECONDS, None]
    assert config.holding_seconds_max == 300


# Exits of one position, as they are kept.


async def test_changes_of_one_position_at_once_are_all_kept(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, live=False) as opened:
        await opened.buy("MANYUSDT")
        own = {"stop_loss_pct": 5, "trailing_stop_pct": 6, "take_profit_pct": 70, "holding_seconds_max": 80}
        await asyncio.gather(*(set_own(opened, "MANYUSDT", **{name: value}) for name, value in own.items()))
        revisions = await opened.rows("SELECT revision FROM position_exits ORDER BY revision")
        [each] = await held_of(opened.database)

    assert [row["revision"] for row in revisions] == [1, 2, 3, 4]
    assert each == {name: Decimal(value) for name, value in own.items()}


async def held_of(database: Database) -> list[dict[str, Any]]:
    policies = [each.policy for each in (await read_held(database)).held]
    return [{name: value for name, value in policy if value not in (None, ())} for policy in policies]
