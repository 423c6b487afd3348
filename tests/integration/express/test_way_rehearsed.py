"""The way is rehearsed up to its commit, and leaves no trace: nothing written, locked, sent, counted or logged."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from decimal import Decimal
from typing import Any, Final, cast

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from cli.composing.express.claim import CLAIM_AND_RESERVE, claimed, reservation
from cli.composing.express.metrics import Outcome
from cli.composing.express.rehearsal import Rehearsal, RehearsedExchange
from executor.journal.decision_writer import DecisionWriter
from executor.model.order import Order
from executor.rehearsal.purchase_rehearsal import NOBODY, PRICE, RULES
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Listing, RawListing
from shared.postgres.database import Connection, Database
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import NOT_SENT, Executor, Time, configure, rows
from tests.support.running.express_ways import Express, lent, sighted
from tests.waiting import eventually

ALWAYS: Final = Rehearsal(0, "USDT")
TURNS: Final = 200
VERSION: Final = CLAIM_AND_RESERVE.names.index("version")
EVERYTHING: Final = "SELECT FROM trade_config, exposure FOR UPDATE"
WRITES: Final = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
"""PostgreSQL's documentation, 9.26: an id is assigned where a transaction writes, or locks a row."""
TRACES: Final = """
SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM listing_claims) + (SELECT count(*) FROM halts)
    + (SELECT count(*) FROM unannounced_listings) + (SELECT count(*) FROM trade_outbox)
"""

Statement = Callable[[], Awaitable[Any]]


class OneConnection:
    """A database with one connection, in a transaction that the test looks into."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        return nullcontext(self._connection)


class RehearsalsMeet:
    """A database in which rehearsed reservations, on a connection of their own, meet what the test says."""

    def __init__(self, database: Database, answer: Statement) -> None:
        self._database = database
        self.answer = answer

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._database.connection() as connection:
            yield cast("Connection", _Meeting(connection, self.answer))


class _Meeting:
    def __init__(self, connection: Connection, answer: Statement) -> None:
        self._connection = connection
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        if sql == CLAIM_AND_RESERVE.sql and not arguments[VERSION]:
            return await self._answer()
        return await self._connection.fetchval(sql, *arguments)


def rehearsals_meet(express: Express, monkeypatch: pytest.MonkeyPatch, answer: Statement) -> None:
    """Let *answer* be the database's to the reservations that are rehearsed."""
    meeting = RehearsalsMeet(express.executor.database, answer)
    monkeypatch.setattr(express.executor.journal, "connection", meeting.connection)


async def rehearse(express: Express) -> None:
    await express.way.rehearse(express.executor.handle, RehearsedExchange("USDT"))


def metrics_of(express: Express) -> list[str]:
    """Return all of our own metrics of both services."""
    pages = (generate_latest(each).decode() for each in (express.executor.registry, express.registry))
    return [line for page in pages for line in page.splitlines() if line.startswith("sniper_")]


def decisions_on(connection: Connection, settings: ExecutorSettings, time: Time) -> PurchaseDecisions:
    journal = DecisionWriter(
        cast("Database", OneConnection(connection)), settings, outbox_filled=lambda: None, now=time
    )
    return PurchaseDecisions(journal, settings, live=True, unready=lambda: None, now=time)


async def seen(time: Time) -> tuple[RawListing, Listing]:
    raw = await RehearsedExchange("USDT").sighting(time())
    return raw, claimed(raw, time())


async def test_its_sighting_is_one_that_would_be_bought(time: Time) -> None:
    raw, _ = await seen(time)

    assert (raw.symbol, raw.base_asset, raw.quote_asset) == (f"{NOBODY}USDT", NOBODY, "USDT")
    assert (raw.price, raw.rules, raw.late, raw.tradable) == (Decimal(PRICE), RULES, False, True)
    assert raw.listed_at == raw.observed_at == raw.published_at


@pytest.mark.parametrize("config", ["auto_trade = false", "auto_trade = true", "max_position_usdt = 1000000"])
@pytest.mark.parametrize(
    "settings", [{}, {"entry": "market"}, {"trade_relist": True}, {"orders_per_minute": 1}], ids=str
)
async def test_its_transaction_writes_nothing_and_locks_no_row_whatever_the_settings(
    database: Database, time: Time, config: str, settings: Mapping[str, Any]
) -> None:
    await configure(database, config)
    raw, listing = await seen(time)
    async with database.transaction() as connection:
        decisions = decisions_on(connection, ExecutorSettings(**settings), time)
        await decisions.read_ahead()
        await decisions.rehearse(listing, NOT_SENT, reservation(raw, listing))
        assert not await connection.fetchval(WRITES)

        # Under the version of the configuration that there is, the same would be an order.
        assert isinstance(await decisions.open_at_once(listing, NOT_SENT, reservation(raw, listing)), Order)
        assert await connection.fetchval(WRITES)


async def test_it_waits_for_no_lock_of_a_decision(express: Express, database: Database) -> None:
    async with database.transaction() as deciding:
        await deciding.fetch(EVERYTHING)
        await rehearse(express)


async def test_it_goes_as_far_as_a_signed_request(express: Express, monkeypatch: pytest.MonkeyPatch) -> None:
    made, attempts = [], vars(express.executor.placing)["_attempts"]
    ahead = attempts.made_ahead
    monkeypatch.setattr(attempts, "made_ahead", lambda order: made.append(ahead(order)))

    await rehearse(express)

    assert [built.signed is not None for built in made] == [True]


async def test_it_leaves_no_trace_and_makes_no_listing_one_too_many(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(listings_per_minute_max=1))
    async with lent(executor, time) as express:
        before = metrics_of(express)
        with capture_logs() as logs:
            for _ in range(5):
                await rehearse(express)
        after = metrics_of(express)

        async with database.connection() as connection:
            assert await connection.fetchval(TRACES) == 0
        assert (logs, executor.to_send, executor.latched, exchange.entries) == ([], [], [], [])
        assert after == before

        await express.take(sighted("NEW", time))
        assert (express.count(Outcome.BOUGHT), executor.latched) == (1, [])


async def test_what_it_makes_replaces_no_request_of_an_order(express: Express, time: Time) -> None:
    await express.take(sighted("NEW", time))
    [order], placing = express.executor.to_send, express.executor.placing
    placing.prepare(order)
    ahead = dict(vars(placing)["_ahead"])

    await rehearse(express)

    assert [made_for for made_for, _ in ahead.values()] == [order]
    assert vars(placing)["_ahead"] == ahead


async def test_it_cannot_send_even_where_the_database_says_that_it_was_committed(
    express: Express, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def committed() -> bool:
        return True

    rehearsals_meet(express, monkeypatch, committed)
    with pytest.raises(RuntimeError, match="a rehearsed order was committed"):
        await rehearse(express)

    assert express.executor.to_send == []


async def test_one_that_hangs_in_the_database_keeps_no_sighting(
    express: Express, database: Database, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, began = asyncio.Event(), asyncio.Event()

    async def hang() -> bool:
        began.set()
        await over.wait()
        return False

    rehearsals_meet(express, monkeypatch, hang)
    rehearsing = asyncio.create_task(rehearse(express))
    await began.wait()
    await express.take(sighted("NEW", time))
    assert not rehearsing.done()
    over.set()
    await rehearsing

    assert [row["symbol"] for row in await rows(database)] == ["NEWUSDT"]


async def test_none_begins_while_a_sighting_is_on_the_way(
    database: Database, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lent(Executor(database, exchange, time), time, rehearsal=ALWAYS) as express:
        rehearsals: list[str] = []

        async def count(*_: object) -> None:
            rehearsals.append("rehearsed")

        monkeypatch.setattr(express.way, "rehearse", count)
        await eventually(lambda: rehearsals)
        async with database.transaction() as deciding:
            await deciding.fetch(EVERYTHING)
            taken = express.way.take(sighted("NEW", time))
            await asyncio.sleep(0)
            rehearsals.clear()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            assert (rehearsals, taken is not None and taken.done()) == ([], False)

        await eventually(lambda: rehearsals)
        assert express.count(Outcome.BOUGHT) == 1


@pytest.mark.parametrize("error", [TransientError("away"), ValueError("odd")])
async def test_one_that_fails_is_repeated_later_and_ends_nothing(
    express: Express, time: Time, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail() -> bool:
        raise error

    rehearsals_meet(express, monkeypatch, fail)
    with capture_logs() as logs:
        keeping = asyncio.create_task(express.way.keep_rehearsed(express.executor.handle, ALWAYS))
        await express.take(sighted("NEW", time))
        await eventually(lambda: "failed" if isinstance(error, TransientError) else logs)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert not keeping.done()
        keeping.cancel()

    expected = [] if isinstance(error, TransientError) else ["the express way was not rehearsed"]
    assert [line["event"] for line in logs if line["log_level"] == "error"] == expected
    assert express.count(Outcome.BOUGHT) == 1
