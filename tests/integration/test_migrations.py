import asyncio
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError

import migrations
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.services import open_database

REVISIONS = [script.revision for script in ScriptDirectory.from_config(migrations.configuration("")).walk_revisions()]
LEFT_BEHIND = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


def fetch(url: str, query: str) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(ask())


def populate(url: str) -> None:
    async def store_all() -> None:
        async with open_database(url) as database, database.engine.begin() as connection:
            for table in rows.GOOD:
                await rows.store(connection, table)

    asyncio.run(store_all())


def test_every_migration_can_be_undone_and_done_again_where_there_are_rows(database_url: str) -> None:
    populate(database_url)

    for revision in [*REVISIONS[1:], "base"]:
        migrations.downgrade(database_url, revision)
    assert fetch(database_url, LEFT_BEHIND) == []

    for revision in reversed(REVISIONS):
        migrations.upgrade(database_url, revision)
    migrations.check(database_url)
    populate(database_url)


def test_undoing_a_migration_leaves_older_tables_alone(database_url: str) -> None:
    populate(database_url)

    migrations.downgrade(database_url, "001")
    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT symbol, listing_key FROM listings") == [("ABCUSDT", "ABCUSDT:1")]


def test_claims_made_before_opening_times_were_kept_have_theirs_filled_in(database_url: str) -> None:
    populate(database_url)
    opening = fetch(database_url, "SELECT opens_at, opens_observed_at FROM listing_claims")

    migrations.downgrade(database_url, "010")
    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT opens_at, opens_observed_at FROM listing_claims") == opening
    assert opening == [(NOON + timedelta(hours=1), NOON)]


def test_an_order_in_doubt_keeps_its_money_when_a_migration_is_undone_and_done_again(database_url: str) -> None:
    populate(database_url)

    migrations.downgrade(database_url, "012")
    assert fetch(database_url, "SELECT mode, state FROM orders") == [("live", "sending")]
    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT mode, state, base_asset FROM orders") == [("live", "unknown", "ABC")]
    assert fetch(database_url, "SELECT reserved_usdt, ceiling_usdt FROM exposure WHERE mode = 'live'") == [
        (Decimal(100), Decimal("100.01"))
    ]


def test_a_dry_run_that_died_with_the_old_version_is_over(database_url: str) -> None:
    migrations.downgrade(database_url, "012")
    fetch(database_url, "UPDATE exposure SET reserved_usdt = 100")
    fetch(
        database_url,
        """
        INSERT INTO orders (listing_key, mode, side, symbol, client_order_id, quote_qty, config, decided_at, state)
        VALUES ('ABCUSDT:1', 'dry-run', 'BUY', 'ABCUSDT', 'sn1', 100, '{}', now(), 'sending')
        """,
    )

    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT state FROM orders") == [("failed",)]
    assert fetch(database_url, "SELECT mode, reserved_usdt FROM exposure ORDER BY mode") == [
        ("dry-run", Decimal(0)),
        ("live", Decimal(100)),
    ]


def test_a_halt_of_the_old_version_is_still_in_force(database_url: str) -> None:
    migrations.downgrade(database_url, "013")
    fetch(database_url, "UPDATE trade_config SET halted = true, updated_at = '2026-03-02T12:00:00Z'")

    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT halted, exits_halted, halted_at FROM trade_config") == [(True, False, NOON)]


BEFORE_EXITS = "026"
EXITS = """
    SELECT take_profit_pct, stop_loss_pct, trailing_stop_pct, trailing_activation_pct, holding_seconds_max
    FROM trade_config
"""


def test_a_new_installation_sells_what_it_buys_and_one_that_ran_is_left_as_it_was(
    database_url: str, empty_database_url: str
) -> None:
    migrations.upgrade(empty_database_url, BEFORE_EXITS)
    fetch(empty_database_url, "INSERT INTO bot_health (component_name, status) VALUES ('executor', 'stopped')")
    migrations.upgrade(empty_database_url)

    assert fetch(database_url, EXITS) == [(50, 15, 10, 20, 3600)]
    assert fetch(empty_database_url, EXITS) == [(None,) * 5]
    assert fetch(empty_database_url, "SELECT entry_slippage_pct, exits_seeded_at FROM trade_config") == [(5, None)]


def test_a_version_that_knows_no_more_than_it_did_ends_what_is_over(database_url: str) -> None:
    """Beside this version another may run that writes neither of the two: nothing comes back by its changes."""
    over = "SELECT selling_all, auto_trade_until FROM trade_config"
    fetch(
        database_url,
        "UPDATE trade_config SET halted = true, halted_at = now(), selling_all = true, auto_trade = true, "
        "auto_trade_until = '2026-03-02 12:00Z'",
    )
    assert fetch(database_url, over) == [(True, NOON)]

    fetch(database_url, "UPDATE trade_config SET halted = false, halted_at = NULL, auto_trade = false")

    assert fetch(database_url, over) == [(False, None)]


def test_positions_of_before_have_the_results_that_their_orders_show(database_url: str) -> None:
    populate(database_url)
    fetch(database_url, "TRUNCATE orders, order_attempts")
    migrations.downgrade(database_url, BEFORE_EXITS)
    fetch(
        database_url,
        """
        UPDATE positions SET state = 'closed', base_qty = 0, cost_usdt = 0, received_usdt = 109.94, sales = 2
        """,
    )
    fills = [
        ("BUY", 1, "filled", 50, 100, '{"ABC": "0.25", "MX": "0.01"}'),
        ("SELL", 1, "partially_filled", 20, 40, '{"USDT": "0.02"}'),
        ("SELL", 2, "filled", "29.75", 70, '{"USDT": "0.035"}'),
        ("SELL", 3, "expired", 0, 0, "null"),
    ]
    for side, sequence, state, quantity, cost, fees in fills:
        fetch(
            database_url,
            f"""
            INSERT INTO orders (listing_key, mode, side, sequence, symbol, client_order_id, state, quote_qty, config,
                decided_at, send_until, listing, executed_qty, cost, fees)
            VALUES ('ABCUSDT:1', 'live', '{side}', {sequence}, 'ABCUSDT', 'sn{side}{sequence}', '{state}', 0, '{{}}',
                now(), now(), '{{}}', {quantity}, {cost}, '{fees}')
            """,
        )

    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT bought_qty, paid, proceeds FROM positions") == [
        (Decimal("49.75"), 100, Decimal("109.945"))
    ]
    assert fetch(database_url, "SELECT result_usdt, fees_unknown FROM position_results") == [(Decimal("9.945"), True)]
    assert fetch(database_url, "SELECT asset, amount, price, given_up_at IS NULL FROM other_fees") == [
        ("MX", Decimal("0.01"), None, False)
    ]


def test_migrations_make_what_the_code_expects(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)

    migrations.check(empty_database_url)


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER TABLE trades ADD COLUMN mood TEXT",
        "ALTER TABLE trades DROP COLUMN error_reason",
        "DROP INDEX ix_listings_created_at",
        "ALTER TABLE trades ALTER COLUMN latency_ms DROP NOT NULL",
        "ALTER TABLE trades ALTER COLUMN quote_qty TYPE NUMERIC(14, 2)",
    ],
)
def test_a_schema_that_drifted_is_noticed(database_url: str, drift: str) -> None:
    fetch(database_url, drift)

    with pytest.raises(CommandError, match="New upgrade operations detected"):
        migrations.check(database_url)


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    populate(database_url)

    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT count(*) FROM listings") == [(1,)]


def test_processes_that_migrate_at_once_take_turns(empty_database_url: str) -> None:
    program = (sys.executable, "-c", "import migrations, sys; migrations.upgrade(sys.argv[1])", empty_database_url)
    processes = [subprocess.Popen(program) for _ in range(3)]

    try:
        assert [process.wait(timeout=30) for process in processes] == [0, 0, 0]
    finally:
        for process in processes:
            process.kill()
    assert fetch(empty_database_url, "SELECT version_num FROM alembic_version") == [(migrations.head(),)]


def test_first_deployment_starts_with_safe_limits(database_url: str) -> None:
    config = fetch(
        database_url, "SELECT max_trade_usdt, max_position_usdt, auto_trade, halted, halted_reason FROM trade_config"
    )
    exposure = fetch(database_url, "SELECT mode, reserved_usdt + filled_usdt FROM exposure ORDER BY mode")

    assert config == [(Decimal("100.00"), Decimal("1000.00"), False, False, "")]
    assert exposure == [("dry-run", Decimal(0)), ("live", Decimal(0))]


def test_a_url_with_options_is_migrated(empty_database_url: str) -> None:
    separator = "&" if "?" in empty_database_url else "?"

    migrations.upgrade(f"{empty_database_url}{separator}sslmode=prefer")

    assert fetch(empty_database_url, "SELECT version_num FROM alembic_version") == [(migrations.head(),)]


def test_the_revisions_that_file_names_tell_are_those_of_alembic() -> None:
    scripts = list(ScriptDirectory.from_config(migrations.configuration("")).walk_revisions())

    assert migrations.head() == scripts[0].revision
    assert all(migrations.schema_age(script.revision) is migrations.SchemaAge.OLDER for script in scripts[1:])


def test_what_operators_asked_for_before_stands_in_the_history(database_url: str) -> None:
    populate(database_url)
    fetch(database_url, "UPDATE unplaced_symbols SET acknowledged_at = now()")

    migrations.downgrade(database_url, "036")
    migrations.upgrade(database_url)

    assert fetch(database_url, "SELECT kind, subject, made_by, request_id FROM operator_actions ORDER BY kind") == [
        ("acknowledge", "", "cli:test", None),
        ("close", "ABCUSDT:1 (live)", "cli:test", None),
        ("settle", "sniper-ABCUSDT-1", "cli:test", None),
        ("write_off", "ABCUSDT:1 (live)", "cli:test", None),
    ]


def test_the_first_of_several_write_offs_stays_where_an_older_version_knows_of_one(database_url: str) -> None:
    async def write_off_twice() -> None:
        async with open_database(database_url) as database, database.engine.begin() as connection:
            await rows.store(connection, "write_offs", reason="the first")
            await rows.store(connection, "write_offs", reason="the second")

    asyncio.run(write_off_twice())
    migrations.downgrade(database_url, "045")
    left = fetch(database_url, "SELECT reason FROM write_offs")
    migrations.upgrade(database_url, "head")

    assert left == [("the first",)]
    migrations.check(database_url)
