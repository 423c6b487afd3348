import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from api.operator import trade_config
from api.operator.operator_changes import RefusedChangeError
from shared.postgres.database import Database
from tests.support.data import rows
from tests.support.running.services import open_database

SEED = {
    "max_trade_usdt": "100.00",
    "max_position_usdt": "1000.00",
    "auto_trade": False,
    "auto_trade_until": None,
    "take_profit_pct": "50",
    "take_profit_ladder": [],
    "stop_loss_pct": "15",
    "trailing_stop_pct": "10",
    "trailing_activation_pct": "20",
    "holding_seconds_max": 3600.0,
    "entry_slippage_pct": "5",
    "daily_loss_usdt_max": None,
    "halted": False,
    "exits_halted": False,
    "selling_all": False,
    "halted_reason": "",
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        yield database


async def audit(database: Database) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT changed_by, before, after FROM trade_config_audit ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_change_is_stored_and_recorded(database: Database) -> None:
    before = await trade_config.read(database)

    after = await trade_config.change(database, {"max_trade_usdt": "50.5"}, changed_by="cli:ann")

    assert after == await trade_config.read(database)
    assert after.max_trade_usdt == Decimal("50.5")
    assert after.updated_at > before.updated_at
    assert await audit(database) == [("cli:ann", SEED, SEED | {"max_trade_usdt": "50.5"})]


async def test_a_refused_change_leaves_no_trace(database: Database) -> None:
    before = await trade_config.read(database)

    with pytest.raises(RefusedChangeError, match=r"^max_trade_usdt: "):
        await trade_config.change(database, {"max_trade_usdt": "-1"}, changed_by="cli:ann")

    assert await trade_config.read(database) == before
    assert await audit(database) == []


async def test_setting_what_is_set_already_changes_nothing(database: Database) -> None:
    before = await trade_config.read(database)

    assert await trade_config.change(database, {"max_trade_usdt": 100}, changed_by="cli:ann") == before
    assert await audit(database) == []


async def test_a_halt_and_its_end_are_recorded(database: Database) -> None:
    halted = await trade_config.halt(database, "fat finger", changed_by="cli:ann")
    resumed = await trade_config.resume(database, changed_by="cli:bob")

    assert (halted.halted, halted.halted_reason) == (True, "fat finger")
    assert (resumed.halted, resumed.halted_reason) == (False, "")
    during = SEED | {"halted": True, "halted_reason": "fat finger"}
    assert await audit(database) == [("cli:ann", SEED, during), ("cli:bob", during, SEED)]


async def test_a_halt_of_sales_too_is_recorded(database: Database) -> None:
    halted = await trade_config.halt(database, "fat finger", changed_by="cli:ann", exits=True)

    assert (halted.halted, halted.exits_halted) == (True, True)
    during = SEED | {"halted": True, "exits_halted": True, "halted_reason": "fat finger"}
    assert await audit(database) == [("cli:ann", SEED, during)]


async def test_what_the_executor_latched_is_shown_and_lifted_although_no_operator_had_halted(
    database: Database,
) -> None:
    async with database.engine.begin() as connection:
        await rows.store(connection, "halts", cause="failures", mode="live", reason="5 in a row")

    (latched,) = (await trade_config.read(database)).halts
    resumed = await trade_config.resume(database, changed_by="cli:ann")

    assert (latched.cause, latched.mode, latched.reason, latched.exits) == ("failures", "live", "5 in a row", False)
    assert resumed.halts == []
    assert resumed == await trade_config.read(database)
    assert await audit(database) == [("cli:ann", SEED, SEED)]


async def test_halts_are_shown_the_longest_in_force_first_and_count_from_when_they_began(database: Database) -> None:
    first = await trade_config.halt(database, "fat finger", changed_by="cli:ann")
    async with database.engine.begin() as connection:
        await rows.store(connection, "halts", cause="failures", mode="live", reason="5 in a row")
    await trade_config.halt(database, "still", changed_by="cli:ann")
    after = await trade_config.change(database, {"max_trade_usdt": "50"}, changed_by="cli:ann")

    assert [(halt.cause, halt.reason) for halt in after.halts] == [("operator", "still"), ("failures", "5 in a row")]
    assert [halt.since for halt in after.halts[:1]] == [halt.since for halt in first.halts] != [None]


async def test_changes_made_at_once_are_each_checked_against_the_one_before(database: Database) -> None:
    # Either alone is valid; both together would leave a trade larger than the position.
    raise_trade = trade_config.change(database, {"max_trade_usdt": 900}, changed_by="ann")
    lower_position = trade_config.change(database, {"max_position_usdt": 200}, changed_by="bob")

    outcomes = await asyncio.gather(raise_trade, lower_position, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["RefusedChangeError", "TradeConfig"]
    assert len(await audit(database)) == 1


async def test_a_lost_row_is_an_error_that_says_what_it_means(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("DELETE FROM trade_config")

    for attempt in (trade_config.read(database), trade_config.halt(database, "x", changed_by="ann")):
        with pytest.raises(trade_config.MissingConfigError, match="nothing is traded"):
            await attempt
