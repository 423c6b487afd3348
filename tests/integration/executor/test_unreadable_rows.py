"""Rows that a newer version wrote, and this one cannot read: everything else goes on, and a person learns of it."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from dedup.ledger import Ledger
from executor.halts.halt_causes import HaltCause
from executor.model import Decided, Order
from shared.control.halts import halts_in_force
from shared.events import HealthStatus, Mode
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.desks import SECONDS, desk
from tests.support.running.executors import Executor, Time, a_coin, configure
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

NEWER = (
    'listing = \'{"opens_at": "whenever", "observed_at": 7}\'',
    "exit_reason = 'of a newer version'",
    "listing = '{}'",
    "listing = 'null'",
    "config = '[]'",
)


async def spoil(database: Database, assignment: str, symbol: str) -> None:
    async with database.connection() as connection:
        await connection.execute(f"UPDATE orders SET {assignment} WHERE symbol = $1", symbol)


@pytest.mark.parametrize("newer", NEWER)
async def test_an_order_that_cannot_be_read_keeps_no_other_from_being_settled(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, newer: str
) -> None:
    await configure(database, "auto_trade = true")
    for name in ("BAD", "GOOD"):
        exchange.script.append(Behaviour.LOSE_ANSWER)
        await executor.buy(a_coin(name, time))
    await spoil(database, newer, "BADUSDT")

    await executor.resolve()

    assert {row["symbol"]: row["state"] for row in await executor.rows()} == {
        "BADUSDT": "unknown",
        "GOODUSDT": "filled",
    }
    assert executor.metric("alarms", source="orders at large") == 1
    assert executor.component.report(time()).status is HealthStatus.DEGRADED
    stake = await executor.stake(Mode.LIVE)
    assert stake.reserved_usdt > 0, "what may have been spent stays reserved"


@pytest.mark.parametrize("newer", NEWER)
async def test_an_order_that_cannot_be_read_keeps_no_other_from_its_opening(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, newer: str
) -> None:
    opens_at = time() + timedelta(seconds=30)
    ledger = Ledger(database)
    for name in ("BAD", "GOOD"):
        listing = a_coin(name, time, opens_at=opens_at + timedelta(hours=1))
        await executor.buy(listing)
        await ledger.claim(listing, "first")
        told = {"opens_at": opens_at, "observed_at": time()}
        await ledger.move(listing.model_copy(update=told), "later")
    await spoil(database, newer, "BADUSDT")
    time.jump_to(opens_at - timedelta(milliseconds=50))

    await executor.fire_due()

    assert {row["symbol"]: row["state"] for row in await executor.rows()} == {"BADUSDT": "armed", "GOODUSDT": "filled"}


async def test_the_alarm_ends_when_the_row_is_seen_to(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    exchange.script.append(Behaviour.LOSE_ANSWER)
    await executor.buy(a_coin("BAD", time))
    await spoil(database, "exit_reason = 'newer'", "BADUSDT")
    await executor.resolve()
    await spoil(database, "exit_reason = NULL", "BADUSDT")

    for _ in range(2):
        await executor.resolve()

    assert executor.metric("alarms", source="orders at large") == 0
    assert executor.component.report(time()).status is HealthStatus.RUNNING


async def test_a_halt_of_a_mode_that_only_a_newer_version_knows_halts_every_mode(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE halts DROP CONSTRAINT ck_halts_mode_known")
        await connection.execute("INSERT INTO halts (cause, mode, reason) VALUES ('weather', 'margin', 'storm')")
        halts = await halts_in_force(connection)
        await connection.execute("DELETE FROM halts")

    assert [(halt.cause, halt.mode) for halt in halts] == [("weather", None)]


async def test_a_halt_that_cannot_be_stored_holds_and_keeps_no_other_from_being_latched(
    database: Database, executor: Executor
) -> None:
    executor.halts.halt(HaltCause.HOLDINGS, Mode.LIVE, "a coin named \0")
    executor.halts.halt(HaltCause.FAILURES, Mode.DRY_RUN, "five in a row")

    await executor.look_for_halts()

    async with database.connection() as connection:
        latched = await connection.fetch("SELECT cause FROM halts")
    assert [row["cause"] for row in latched] == ["failures"]
    assert executor.halts.buys_halted(Mode.LIVE).startswith("holdings")
    assert executor.halts.buys_halted(Mode.DRY_RUN).startswith("failures")


async def test_an_opening_that_fails_for_a_fault_of_ours_keeps_no_other_from_being_met(
    executor: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens_at = time() + timedelta(seconds=30)
    for name in ("BAD", "GOOD"):
        await executor.buy(a_coin(name, time, rules=None, opens_at=opens_at))
    time.jump_to(opens_at - timedelta(milliseconds=50))

    fire = executor.decisions.fire

    async def fails(order: Order) -> Decided:
        if order.symbol == "BADUSDT":
            raise ZeroDivisionError
        return await fire(order)

    monkeypatch.setattr(executor.decisions, "fire", fails)
    await executor.look_for_halts()
    until = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(executor.schedule.run(until))
        await eventually(lambda: has_state(executor, "GOODUSDT", "filled"), within_seconds=SECONDS)
        until.set()
        executor.schedule.changed.set()

    assert await has_state(executor, "BADUSDT", "armed")


async def has_state(executor: Executor, symbol: str, state: str) -> bool:
    return (symbol, state) in {(row["symbol"], row["state"]) for row in await executor.rows()}


async def test_an_executor_starts_and_trades_beside_rows_of_a_newer_version(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.buy("FIRSTUSDT")
    async with desk(database_url, simulator, tmp_path) as opened:
        await opened.execute("INSERT INTO trade_outbox (event) VALUES ('{}'::jsonb)")
        await opened.buy("NEXTUSDT")

        def degraded() -> bool:
            said = opened.health("executor")
            return said is not None and said[0] is HealthStatus.DEGRADED and "cannot be published" in said[1]

        await eventually(degraded, within_seconds=SECONDS)
