"""A sighting bought before it is announced: one commit with dedup's claim, or nothing at all."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from cli.composing.express.metrics import Outcome
from executor.halts.halt_causes import HaltCause
from executor.settings import ExecutorSettings
from shared.events import RawListing
from shared.postgres.database import Database
from tests.support.data.builders import NOON
from tests.support.fakes.venues import ModelExchange
from tests.support.running.dedups import DedupProcess
from tests.support.running.executors import Executor, Time, configure, rows, trades
from tests.support.running.express_ways import Express, lent, sighted
from tests.waiting import eventually

PROCESSES = 12
WRITTEN = ("listing_claims", "unannounced_listings", "orders")


async def counts(database: Database) -> tuple[int, ...]:
    """Return how many rows each table has that the one statement writes."""
    async with database.connection() as connection:
        return tuple([await connection.fetchval(f"SELECT count(*) FROM {table}") for table in WRITTEN])


async def exposure(database: Database) -> asyncpg.Record:
    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM exposure WHERE mode = 'dry-run'")
        assert row is not None
        return row


async def claim_and_order(database: Database) -> tuple[dict[str, Any], dict[str, Any]]:
    async with database.connection() as connection:
        claim = await connection.fetchrow("SELECT * FROM listing_claims")
        order = await connection.fetchrow("SELECT * FROM orders")
    assert claim is not None
    assert order is not None
    return dict(claim), dict(order)


async def test_claim_order_and_reservation_are_committed_together(
    express: Express, database: Database, time: Time
) -> None:
    await express.take(sighted("NEW", time))

    assert await counts(database) == (1, 1, 1)
    assert (await exposure(database))["reserved_usdt"] == Decimal("100.00")
    assert [order.symbol for order in express.executor.to_send] == ["NEWUSDT"]
    assert express.count(Outcome.BOUGHT) == 1


async def test_rows_are_those_of_the_normal_way(database: Database, exchange: ModelExchange, time: Time) -> None:
    raw = sighted("NEW", time, listed_at=NOON)
    [listing] = await DedupProcess(database)(raw)
    await Executor(database, exchange, time).handle(listing)
    claim, order = await claim_and_order(database)
    async with database.connection() as connection:
        await connection.execute("DELETE FROM listing_claims; DELETE FROM orders")

    async with lent(Executor(database, exchange, time), time) as express:
        await express.take(raw)
    claim_ahead, order_ahead = await claim_and_order(database)

    differ = {"id", "claimed_at", "created_at", "updated_at", "decided_at", "send_until"}
    for each in (claim["listing"], claim_ahead["listing"], order["listing"], order_ahead["listing"]):
        del each["deduplicated_at"]
    assert {k: v for k, v in claim_ahead.items() if k not in differ} == {
        k: v for k, v in claim.items() if k not in differ
    }
    assert {k: v for k, v in order_ahead.items() if k not in differ} == {
        k: v for k, v in order.items() if k not in differ
    }


async def test_dedup_finds_the_claim_its_own_and_the_executor_the_order_standing(
    express: Express, database: Database, time: Time
) -> None:
    raw, dedup = sighted("NEW", time), DedupProcess(database)
    await express.take(raw)

    [listing] = await dedup(raw)
    await express.executor.handle(listing)

    assert dedup.count("listings") == 1
    assert await counts(database) == (1, 0, 1)
    assert len(express.executor.to_send) == 1
    assert express.executor.metric("decisions_total", outcome="repeated", reason="") == 1


async def test_another_executor_finds_the_order_standing_too(
    express: Express, database: Database, exchange: ModelExchange, time: Time
) -> None:
    raw = sighted("NEW", time)
    await express.take(raw)
    other = Executor(database, exchange, time)

    [listing] = await DedupProcess(database)(raw)
    await other.handle(listing)

    assert other.to_send == []
    assert await counts(database) == (1, 0, 1)


async def test_a_listing_that_dedup_has_claimed_is_left_to_the_normal_way(
    express: Express, database: Database, time: Time
) -> None:
    raw = sighted("NEW", time)
    [listing] = await DedupProcess(database)(raw)

    await express.take(raw)
    assert (await counts(database), express.count(Outcome.OVERTAKEN)) == ((1, 0, 0), 1)

    await express.executor.handle(listing)
    assert (await counts(database))[2] == len(express.executor.to_send) == 1


async def test_a_claim_that_is_committed_in_between_fails_the_whole_statement(
    express: Express, database: Database, time: Time
) -> None:
    raw = sighted("NEW", time)
    async with database.transaction() as connection:
        await connection.execute("SELECT FROM exposure FOR UPDATE")
        taking = asyncio.create_task(express.take(raw))
        await eventually(lambda: waits_for_a_lock(database))
        await DedupProcess(database)(raw)
    await taking

    assert await counts(database) == (1, 0, 0)
    assert (await exposure(database))["reserved_usdt"] == 0
    assert express.count(Outcome.OVERTAKEN) == 1


async def waits_for_a_lock(database: Database) -> bool:
    async with database.connection() as connection:
        waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(await connection.fetchval(f"SELECT exists (SELECT {waiting})"))


async def test_of_a_dozen_processes_and_dedup_about_one_listing_one_buys(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    async with AsyncExitStack() as stack:
        executors = [Executor(database, exchange, time) for _ in range(PROCESSES)]
        processes = [await stack.enter_async_context(lent(each, time)) for each in executors]
        sightings = [sighted("NEW", time) for _ in processes]
        answers = asyncio.gather(*map(DedupProcess(database), sightings))
        await asyncio.gather(*(each.take(raw) for each, raw in zip(processes, sightings, strict=True)))
        [listing] = [each for answer in await answers for each in answer]
        await asyncio.gather(*(each.handle(listing) for each in executors))

    assert len(await rows(database)) == sum(len(each.to_send) for each in executors) == 1
    assert (await exposure(database))["reserved_usdt"] == Decimal("100.00")


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ("halted = true, halted_reason = 'test'", Outcome.OVERTAKEN),
        ("max_trade_usdt = 50", Outcome.OVERTAKEN),
        ("auto_trade = true", Outcome.OVERTAKEN),
    ],
)
async def test_a_change_of_the_configuration_since_the_last_reading_leaves_it_to_the_normal_way(
    express: Express, database: Database, time: Time, change: str, outcome: Outcome
) -> None:
    await configure(database, change)
    assert express.executor.decisions.last is not None

    await express.take(sighted("NEW", time))

    assert (await counts(database), express.count(outcome)) == ((0, 0, 0), 1)


@pytest.mark.parametrize(
    ("overrides", "outcome", "reason"),
    [
        ({"opens_at": timedelta(minutes=5)}, Outcome.WAITS, ""),
        ({"occurrence": 2}, Outcome.REFUSED, "relist"),
        ({"tradable": False, "not_tradable_reason": "leveraged"}, Outcome.REFUSED, "filtered"),
        ({"late": True}, Outcome.REFUSED, "stale_listing"),
        ({"symbol": "中文😀!"}, Outcome.INVALID, ""),
    ],
)
async def test_what_it_does_not_buy_at_once_goes_the_normal_way_and_is_counted(
    express: Express, database: Database, time: Time, overrides: dict[str, Any], outcome: Outcome, reason: str
) -> None:
    opening = overrides.get("opens_at")
    moved = overrides | ({} if opening is None else {"opens_at": time() + opening})
    raw = sighted("NEW", time)
    await express.take(RawListing.model_construct(**{**dict(raw), **moved}))

    assert (await counts(database), express.count(outcome, reason)) == ((0, 0, 0), 1)


async def test_what_the_limits_leave_no_room_for_is_refused_on_the_normal_way_alone(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(orders_per_day=1))
    async with lent(executor, time) as express:
        await express.take(sighted("ONE", time))
        await express.take(sighted("TWO", time))

    assert await counts(database) == (1, 1, 1)


async def test_a_coin_already_being_bought_by_another_pair_is_not_bought(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    settings = ExecutorSettings(quote_assets=frozenset({"USDT", "USDC"}))
    async with lent(Executor(database, exchange, time, settings), time) as express:
        await express.take(sighted("NEW", time))
        await express.take(sighted("NEW", time, symbol="NEWUSDC", quote_asset="USDC"))
        await express.take(sighted("OTHER", time, symbol="OTHERUSDC", quote_asset="USDC"))

    assert Counter(row["symbol"] for row in await rows(database)) == {"NEWUSDT": 1, "OTHERUSDC": 1}
    assert express.count(Outcome.OVERTAKEN) == 1


async def test_a_coin_without_a_name_that_is_held_stands_in_the_way_of_no_other(
    express: Express, database: Database, time: Time
) -> None:
    await express.take(sighted("NAMELESS", time, base_asset=""))
    await express.executor.handle.read_ahead()
    await express.take(sighted("NEW", time))

    assert [row["symbol"] for row in await rows(database)] == ["NAMELESSUSDT", "NEWUSDT"]


async def test_another_sighting_of_a_listing_costs_no_query(express: Express, database: Database, time: Time) -> None:
    await express.take(sighted("NEW", time, id="first"))
    await express.take(sighted("NEW", time, id="second"))

    assert (express.count(Outcome.BOUGHT), express.count(Outcome.REPEATED)) == (1, 1)


async def test_too_many_listings_in_a_minute_halt_at_once(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(listings_per_minute_max=2))
    async with lent(executor, time) as express:
        for name in ("ONE", "TWO", "THREE"):
            await express.take(sighted(name, time))

    assert executor.latched == [HaltCause.MASS_LISTING]


async def test_before_and_after_it_is_lent_nothing_is_bought(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    async with lent(Executor(database, exchange, time), time) as express:
        pass
    await express.take(sighted("NEW", time))

    assert (await counts(database), express.count(Outcome.CLOSED)) == ((0, 0, 0), 1)


async def test_trades_wait_until_their_listing_is_announced(express: Express, database: Database, time: Time) -> None:
    raw = sighted("NEW", time)
    await express.take(raw)
    await express.executor.send_all()
    assert await trades(database) != []

    await relayed(express.executor)
    assert await trades(database) != []
    [listing] = await DedupProcess(database)(raw)
    await express.executor.handle(listing)
    await relayed(express.executor)

    assert await trades(database) == []


async def relayed(executor: Executor) -> None:
    """Let the outbox publish what it may."""
    over = asyncio.Event()
    over.set()
    await executor.parts.outbox.relay(over)
