"""Decisions, as they are committed: on the real database, nothing sent."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from executor.model.order_state import OrderState
from executor.model.reasons import Reason, Refusal
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Mode, Source, utc_now
from shared.postgres.database import Database
from tests.servers.postgres import PrivatePostgres
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import Executor, Time, a_coin, configure, rows, trades
from tests.support.running.services import open_database
from tests.waiting import eventually

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def reserved(executor: Executor, mode: Mode = Mode.DRY_RUN) -> Decimal:
    return (await executor.stake(mode)).reserved_usdt


async def test_a_purchase_is_journaled_and_reserved(executor: Executor, time: Time) -> None:
    decided = await executor.decide(a_coin("NEW", time))

    [row] = await executor.rows()
    assert (row["listing_key"], row["mode"], row["side"], row["state"]) == ("NEWUSDT:1", "dry-run", "BUY", "sending")
    assert decided.order is not None
    assert (row["client_order_id"], row["quote_qty"]) == (decided.order.client_order_id, Decimal("100.00"))
    assert (row["decided_at"], row["send_until"]) == (decided.order.decided_at, decided.order.send_until)
    assert await reserved(executor) == Decimal("100.00")


async def test_the_config_that_applied_is_kept_with_the_order(
    database: Database, executor: Executor, time: Time
) -> None:
    await configure(database, "max_trade_usdt = 40, max_position_usdt = 500")

    order = (await executor.decide(a_coin("NEW", time))).order

    [row] = await executor.rows()
    assert order is not None
    assert (order.config.max_trade_usdt, order.config.max_position_usdt) == (Decimal(40), Decimal(500))
    assert (order.quote_qty, row["config"]) == (Decimal(40), order.config.model_dump(mode="json"))


async def test_a_refusal_is_journaled_told_and_reserves_nothing(
    database: Database, executor: Executor, time: Time
) -> None:
    decided = await executor.decide(a_coin("NEW", time, late=True))

    [row], [trade] = await executor.rows(), await trades(database)
    assert (decided.outcome, decided.order) == ("refused", None)
    assert (row["state"], row["quote_qty"], row["error_reason"]) == (OrderState.REJECTED, 0, decided.reason)
    assert (trade["status"], trade["error_reason"]) == ("rejected", decided.reason)
    assert decided.reason.startswith("stale_listing: ")
    assert await reserved(executor) == 0


async def test_a_refusal_stands_when_its_reason_is_gone(database: Database, executor: Executor, time: Time) -> None:
    listing = a_coin("NEW", time)
    await configure(database, "halted = true, halted_reason = 'drill'")
    assert (await executor.decide(listing)).reason == "halted: operator: drill"
    await configure(database, "halted = false")

    assert (await executor.decide(listing)).outcome == "repeated"
    assert len(await trades(database)) == 1


async def test_a_repeated_listing_is_nobodys_to_send(executor: Executor, time: Time) -> None:
    listing = a_coin("NEW", time)
    await executor.decide(listing)

    again = await executor.decide(listing)

    assert (again.outcome, again.order) == ("repeated", None)
    assert await reserved(executor) == Decimal("100.00")


async def test_auto_trade_makes_orders_live_each_mode_with_an_exposure_of_its_own(
    database: Database, executor: Executor, time: Time
) -> None:
    dry = (await executor.decide(a_coin("DRY", time))).order
    await configure(database, "auto_trade = true")
    live = (await executor.decide(a_coin("LIV", time))).order

    assert dry is not None
    assert live is not None
    assert (dry.mode, live.mode) == (Mode.DRY_RUN, Mode.LIVE)
    assert [await reserved(executor, mode) for mode in Mode] == [Decimal(100), Decimal(100)]


async def test_without_sniper_live_auto_trade_stays_a_dry_run(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")

    order = (await Executor(database, exchange, time, live=False).decide(a_coin("NEW", time))).order

    assert order is not None
    assert order.mode is Mode.DRY_RUN


async def test_an_injected_listing_never_trades_live_and_does_not_shadow_the_real_one(
    database: Database, executor: Executor, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    injected = a_coin("NEW", time, key="test:NEWUSDT:1", source=Source.TEST_INJECTION)

    orders = [(await executor.decide(each)).order for each in (injected, a_coin("NEW", time))]

    assert [order and order.mode for order in orders] == [Mode.DRY_RUN, Mode.LIVE]
    assert len({order and order.client_order_id for order in orders}) == 2


async def test_what_stands_against_live_orders_does_not_hold_up_a_dry_run(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, unready=Refusal(Reason.UNRECONCILED))

    dry = await executor.decide(a_coin("DRY", time))
    await configure(database, "auto_trade = true")
    live = await executor.decide(a_coin("LIV", time))

    assert (dry.outcome, live.outcome) == ("buy", "armed")


async def test_a_coin_that_is_at_stake_is_not_bought_against_another_asset(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    settings = ExecutorSettings.model_validate({"quote_assets": "USDT,USDC"})
    executor = Executor(database, exchange, time, settings)
    other = a_coin("NEW", time, symbol="NEWUSDC", quote_asset="USDC")

    await executor.decide(a_coin("NEW", time))

    assert (await executor.decide(other)).reason == "base_asset_held"


async def test_a_change_of_the_limits_holds_from_the_next_decision(
    database: Database, executor: Executor, time: Time
) -> None:
    before = (await executor.decide(a_coin("ONE", time))).order
    await configure(database, "max_trade_usdt = 7.77")
    after = (await executor.decide(a_coin("TWO", time))).order

    assert before is not None
    assert after is not None
    assert (before.quote_qty, after.quote_qty) == (Decimal(100), Decimal("7.77"))
    assert after.config.updated_at > before.config.updated_at


@pytest.mark.parametrize("change", ["halted = true", "max_position_usdt = 50, max_trade_usdt = 50"])
async def test_a_decision_waits_for_a_change_that_is_being_committed(
    database: Database, executor: Executor, time: Time, change: str
) -> None:
    async with asyncio.TaskGroup() as tasks, database.transaction() as operator:
        await operator.execute(f"UPDATE trade_config SET {change}")
        decision = tasks.create_task(executor.decide(a_coin("NEW", time)))
        await eventually(lambda: operator.fetchval(WAITING))

    decided = decision.result()
    expected = {"halted": Decimal(0), "": Decimal(50)}
    assert await reserved(executor) == expected[decided.reason.partition(":")[0]]


async def test_without_a_config_row_nothing_may_be_spent(database: Database, executor: Executor, time: Time) -> None:
    async with database.connection() as connection:
        await connection.execute("DELETE FROM trade_config")

    decided = await executor.decide(a_coin("NEW", time))

    [row] = await executor.rows()
    assert decided.reason == "config_missing"
    assert (row["config"]["max_trade_usdt"], row["config"]["max_position_usdt"]) == ("0.00", "0.00")


async def test_without_an_exposure_row_nothing_is_decided(database: Database, executor: Executor, time: Time) -> None:
    async with database.connection() as connection:
        await connection.execute("DELETE FROM exposure")

    with pytest.raises(TransientError, match="the exposure is not seeded"):
        await executor.decide(a_coin("NEW", time))

    assert await executor.rows() == []


async def test_a_decision_outlives_a_database_that_was_away(
    private_postgres: Callable[[], PrivatePostgres], exchange: ModelExchange, time: Time
) -> None:
    server = private_postgres()
    async with open_database(server.create_migrated_database()) as database:
        executor = Executor(database, exchange, time)
        await executor.decide(a_coin("NEW", time))
        server.stop()
        with pytest.raises(TransientError, match="database away"):
            await executor.decide(a_coin("NEW", time))
        server.start()

        # Connections of the pool that broke with the server fail once more each, and are replaced.
        again = await eventually(lambda: executor.decide(a_coin("NEW", time)))
        assert again.outcome == "repeated"
        assert [row["state"] for row in await rows(database)] == ["sending"]


async def test_an_order_that_fires_is_reserved_only_then(executor: Executor, time: Time) -> None:
    opens_at = time() + timedelta(hours=1)
    decided = await executor.decide(a_coin("NEW", time, opens_at=opens_at))
    assert decided.order is not None
    before = await reserved(executor)
    time.jump_to(opens_at)

    fired = await executor.decisions.fire(decided.order)

    assert (decided.outcome, before, fired.outcome) == ("armed", Decimal(0), "buy")
    assert await reserved(executor) == Decimal("100.00")
    assert (await executor.decisions.fire(decided.order)).outcome == "repeated"


async def test_a_clock_that_steps_back_over_midnight_does_not_begin_the_day_anew(
    database: Database, exchange: ModelExchange
) -> None:
    time = Time(utc_now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(seconds=30))
    settings = ExecutorSettings.model_validate({"orders_per_day": 2})
    executor = Executor(database, exchange, time, settings)
    outcomes = []
    for name, step in (("ONE", 0), ("TWO", -60), ("THR", 0), ("FOU", 60)):
        time.pass_by(step)
        decided = await executor.decide(a_coin(name, time))
        outcomes.append(decided.reason or decided.outcome)

    assert outcomes == ["buy", "buy", "orders_per_day", "orders_per_day"]


async def test_a_new_day_begins_with_nothing_spent(database: Database, exchange: ModelExchange, time: Time) -> None:
    settings = ExecutorSettings.model_validate({"daily_spend_usdt": 100})
    executor = Executor(database, exchange, time, settings)
    outcomes = []
    for name in ("ONE", "TWO"):
        for suffix in ("A", "B"):
            decided = await executor.decide(a_coin(name + suffix, time))
            outcomes.append(decided.reason or decided.outcome)
        time.pass_by(24 * 3600)

    assert outcomes == ["buy", "daily_spend"] * 2


async def test_what_was_read_for_one_listing_decides_on_the_next_without_a_question(
    executor: Executor, time: Time
) -> None:
    await executor.decide(a_coin("FIRST", time))
    read = executor.decisions.last

    second = await executor.decide(a_coin("SECOND", time))

    assert second.outcome == "buy"
    assert executor.decisions.last is read
    assert await reserved(executor) == Decimal("200.00")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("INSERT INTO halts (cause, reason) VALUES ('file', 'a drill')", "halted: file: a drill"),
        ("UPDATE trade_config SET halted = true, halted_reason = 'a drill'", "halted: operator: a drill"),
        ("UPDATE trade_config SET max_position_usdt = 150, max_trade_usdt = 100", "max_position"),
        ("UPDATE exposure SET filled_usdt = 900, ceiling_usdt = 1000 WHERE mode = 'dry-run'", "max_position"),
        ("DELETE FROM trade_config", "config_missing"),
    ],
)
async def test_what_was_read_for_one_listing_allows_nothing_that_no_longer_holds(
    database: Database, executor: Executor, time: Time, change: str, reason: str
) -> None:
    await executor.decide(a_coin("FIRST", time))
    async with database.connection() as connection:
        await connection.execute(change)

    assert (await executor.decide(a_coin("SECOND", time))).reason == reason
    assert await reserved(executor) == Decimal("100.00")
