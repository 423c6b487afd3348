"""Where trading stands, as the database and the process say."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from prometheus_client import CollectorRegistry

from executor.settings import LimitSettings
from executor.supervision.trading_status import ProcessStatus, TradingStatusMetrics
from shared.postgres.database import Database
from tests.support.data.builders import NOON
from tests.support.running.services import open_database

UNKNOWN = """
INSERT INTO orders (listing_key, base_asset, mode, side, symbol, client_order_id, state, quote_qty, config,
    decided_at, fire_at, send_until, listing)
VALUES ($1, $1, 'live', 'BUY', 'ABCUSDT', $1, 'unknown', 10, '{}', $2, $3, $2, '{}')
"""


@dataclass
class Standing:
    """The metrics, and what the process sees."""

    database: Database
    obstacles: Mapping[str, str] = field(default_factory=lambda: {"live": "", "clock": "not known"})
    halted: Mapping[str, bool] = field(default_factory=lambda: {"live": True, "dry-run": False, "exits": False})
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self._metrics = TradingStatusMetrics(self.registry, LimitSettings())

    async def after(self, *statements: tuple[object, ...]) -> None:
        """Read it after these statements."""
        sight = ProcessStatus(lambda: self.obstacles, lambda: self.halted, lambda: NOON)
        async with self.database.connection() as connection:
            for statement, *arguments in statements:
                await connection.execute(str(statement), *arguments)
            await self._metrics.read(connection, sight)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_executor_{name}", labels)


def seconds_before(seconds: int) -> datetime:
    return NOON.fromtimestamp(NOON.timestamp() - seconds, NOON.tzinfo)


@pytest.fixture
async def standing(database_url: str) -> AsyncIterator[Standing]:
    async with open_database(database_url) as database:
        yield Standing(database)


async def test_the_oldest_order_in_doubt_counts_from_its_decision_or_its_opening(standing: Standing) -> None:
    await standing.after(
        (UNKNOWN, "A:1", seconds_before(7200), seconds_before(90)), (UNKNOWN, "B:1", seconds_before(30), None)
    )

    assert standing.value("unknown_order_age_seconds", mode="live") == 90
    assert standing.value("unknown_order_age_seconds", mode="dry-run") == 0


async def test_limits_and_gates_are_those_of_the_configuration(standing: Standing) -> None:
    await standing.after(("UPDATE trade_config SET auto_trade = true, max_position_usdt = 500, max_trade_usdt = 50",))

    assert standing.value("limit_usdt", limit="position") == 500
    assert standing.value("limit_usdt", limit="trade") == 50
    gates = {
        name: standing.value("gate_open", gate=name) for name in ("live", "clock", "halt", "auto_trade", "exposure")
    }
    assert gates == {"live": 1, "clock": 0, "halt": 0, "auto_trade": 1, "exposure": 1}


async def test_auto_trade_that_has_ended_is_a_gate_that_is_closed(standing: Standing) -> None:
    ended = "UPDATE trade_config SET auto_trade = true, auto_trade_until = $1"
    await standing.after((ended, seconds_before(1)))

    assert standing.value("gate_open", gate="auto_trade") == 0


async def test_halts_are_shown_by_scope(standing: Standing) -> None:
    await standing.after()

    assert [standing.value("halted", scope=scope) for scope in ("live", "dry-run", "exits")] == [1, 0, 0]


async def test_failures_and_the_result_are_of_their_mode_and_day(standing: Standing) -> None:
    set_result = "UPDATE exposure SET failures = 3, result_day = $1, day_result_usdt = -12.5 WHERE mode = $2"
    await standing.after((set_result, NOON.date(), "live"), (set_result, seconds_before(86400).date(), "dry-run"))

    assert standing.value("failures_in_row", mode="live") == 3
    assert standing.value("failures_limit") == LimitSettings().failures_max
    assert standing.value("day_result_usdt", mode="live") == -12.5
    assert standing.value("day_result_usdt", mode="dry-run") == 0


async def test_trades_that_wait_are_shown_with_the_age_of_the_oldest(standing: Standing) -> None:
    waiting = "INSERT INTO trade_outbox (event, created_at) VALUES ('{}', now() - interval '40 seconds')"
    set_aside = "INSERT INTO trade_outbox (event, created_at, set_aside_at) VALUES ('{}', '2020-01-01', now())"
    await standing.after((waiting,), (set_aside,))

    assert standing.value("outbox_trades") == 1
    age = standing.value("outbox_age_seconds")
    assert age is not None
    assert age >= 40


async def test_trades_that_are_held_until_their_listing_is_announced_are_counted_among_those_that_wait(
    standing: Standing,
) -> None:
    unannounced = "INSERT INTO unannounced_listings (listing_key, raw, due_at) VALUES ('NEWUSDT:1', '{}', now())"
    waiting = "INSERT INTO trade_outbox (event, created_at) VALUES ($1::text::jsonb, now() - interval '40 seconds')"
    events = [f'{{"listing_key": "{name}USDT:1"}}' for name in ("NEW", "OLD", "NEW")]
    await standing.after((unannounced,), *((waiting, event) for event in events))

    assert (standing.value("outbox_trades"), standing.value("outbox_held_trades")) == (3, 2)
    assert (standing.value("outbox_age_seconds") or 0) >= 40
