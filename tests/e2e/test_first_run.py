"""`sniper up` as a newcomer meets it: every exit, a refusal and a countdown, and positions that outlive a kill."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from shared.postgres.database import Database
from tests.servers.ports import free_ports
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import open_database
from tests.support.running.starting import executed
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(420)

SPEED: Final = 3
PROMISED_SECONDS: Final = 120
"""By the clock of the scenarios, within which a newcomer has seen everything; it passes SPEED times as fast here."""
HANGING_SECONDS: Final = 150
"""After which nothing more is expected of a machine that is busy."""
EXHAUSTED: Final = ("max_position", "daily_spend", "orders_per_day", "orders_per_minute", "halted")
EXITS: Final = {"holding_time", "stop_loss", "take_profit", "trailing_stop"}


def environment(database_url: str) -> Mapping[str, str]:
    return {
        "SNIPER_API_PORT": str(free_ports(1)[0]),
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_SIMULATOR_SCENARIO_SPEED": str(SPEED),
        "SNIPER_SIMULATOR_SYMBOLS": "60",
        "SNIPER_SIMULATOR_TICKER_INTERVAL_SECONDS": "0.2",
        "SNIPER_EXECUTOR_SUSPENDED_CHECK_SECONDS": "1",
        # So many coins at such a speed are more than the limits by the minute allow.
        "SNIPER_EXECUTOR_ORDERS_PER_MINUTE": "1000",
        "SNIPER_EXECUTOR_LISTINGS_PER_MINUTE_MAX": "1000",
    }


async def fetch(database: Database, sql: str, *arguments: Any) -> list[Any]:
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch(sql, *arguments)]


async def exits_seen(database: Database) -> set[str]:
    return set(await fetch(database, "SELECT exit_reason FROM trades WHERE side = 'SELL' AND status = 'filled'"))


async def refusals_seen(database: Database) -> list[str]:
    return await fetch(database, "SELECT error_reason FROM trades WHERE side = 'BUY' AND status = 'rejected'")


async def countdowns_seen(database: Database) -> list[str]:
    """Return the symbols that were bought at an opening which was announced before, and say that they waited for it."""
    waited = """
        SELECT t.symbol FROM trades t JOIN listings l USING (listing_key)
        WHERE t.side = 'BUY' AND t.status = 'filled' AND l.opens_at > l.listed_at + interval '1 s'
            AND (t.stages ->> 'due_at')::timestamptz > (t.stages ->> 'deduplicated_at')::timestamptz
    """
    return await fetch(database, waited)


EVERYTHING_SEEN_AFTER: Final = """
    SELECT max(first) - $1 FROM (
        SELECT min(created_at) AS first FROM trades WHERE side = 'SELL' AND status = 'filled' GROUP BY exit_reason
        UNION ALL
        SELECT min(created_at) FROM trades WHERE side = 'BUY' AND status = 'rejected' AND error_reason LIKE 'filtered%'
        UNION ALL
        SELECT min(t.created_at) FROM trades t JOIN listings l USING (listing_key)
        WHERE t.side = 'BUY' AND t.status = 'filled' AND l.opens_at > l.listed_at + interval '1 s'
            AND (t.stages ->> 'due_at')::timestamptz > (t.stages ->> 'deduplicated_at')::timestamptz
    ) AS firsts
"""


async def held(database: Database) -> list[str]:
    return await fetch(database, "SELECT listing_key FROM positions WHERE state IN ('open', 'closing')")


async def still_held(database: Database, keys: list[str]) -> list[str]:
    unsold = "SELECT listing_key FROM positions WHERE listing_key = ANY($1) AND state <> 'closed'"
    return await fetch(database, unsold, keys)


async def watching(database: Database) -> bool:
    """Return whether the exits of this run report that they look at every position."""
    said = """
        SELECT status || ': ' || detail FROM bot_health
        WHERE component_name = 'exits' AND updated_at > now() - interval '3 s'
    """
    return [each for each in await fetch(database, said) if "not watched" not in each] != []


async def test_everything_is_seen_in_two_minutes_and_what_is_held_outlives_a_kill(
    database_url: str, tmp_path: Path
) -> None:
    settings = environment(database_url)
    async with open_database(database_url) as database:
        async with sniper("up", environment=settings, directory=tmp_path, start=executed) as first:
            await first.ready()
            [began_at] = await fetch(database, "SELECT now()")

            async def everything() -> bool:
                seen = await exits_seen(database), await refusals_seen(database), await countdowns_seen(database)
                return seen[0] >= EXITS and any("filtered" in reason for reason in seen[1]) and bool(seen[2])

            await eventually(everything, within_seconds=HANGING_SECONDS, every_seconds=0.2)
            [after] = await fetch(database, EVERYTHING_SEEN_AFTER, began_at)
            print(f"everything was seen after {after.total_seconds() * SPEED:.0f} s of the scenarios")  # noqa: T201
            assert after.total_seconds() * SPEED < PROMISED_SECONDS
            shown = await _shown(first, "sold", "refused", "opens in", "now", "The profile of this run")
            before = await eventually(lambda: held(database), within_seconds=20)
            await first.kill()

        assert shown.splitlines()[0].startswith(f"Open http://127.0.0.1:{settings['SNIPER_API_PORT']}/sign-in?link=")
        assert "of a kind that is not traded (filtered): leveraged token" in shown
        assert "max_position" not in shown

        async with sniper("up", environment=settings, directory=tmp_path, start=executed) as second:
            await second.ready()
            await eventually(lambda: watching(database), within_seconds=20)

            async def all_sold() -> bool:
                return not await still_held(database, before)

            await eventually(all_sold, within_seconds=HANGING_SECONDS, every_seconds=0.2)
            assert await second.stop(within_seconds=15) == 0

        reasons = "SELECT DISTINCT exit_reason FROM trades WHERE listing_key = ANY($1) AND side = 'SELL'"
        assert set(await fetch(database, reasons, before)) <= EXITS
        assert not [reason for reason in await refusals_seen(database) if reason.startswith(EXHAUSTED)]


async def _shown(process: Sniper, *words: str) -> str:
    """Return what the process has written once all of *words* are in it."""

    def written() -> str:
        text = process.log.read_text()
        return text if all(word in text for word in words) else ""

    shown = await eventually(written, every_seconds=0.1)
    assert shown is not None
    return shown
