"""The way of a purchase is rehearsed up to its commit, and leaves no trace."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from decimal import Decimal
from functools import partial
from typing import Any, Final, cast

import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from executor.exits.sale_orders import SaleIntent
from executor.journal import reservation_sql
from executor.journal.decision_writer import ALONE
from executor.journal.held_positions import held
from executor.listing_handler import Lend
from executor.model import ExitReason, Order
from executor.model.decided import Outcome
from executor.rehearsal.purchase_rehearsal import NOBODY, PurchaseRehearsal, Quiet, listing_at
from executor.rehearsal.rounds import keep_rehearsed
from executor.sending.order_sender import OrderSender
from executor.service import serve
from executor.settings import ExecutorSettings
from shared.errors import TransientError
from shared.events import Event
from shared.postgres.database import Connection, Database
from shared.wire import cloudevents
from tests.support.fakes.venues import ModelExchange
from tests.support.running import trading
from tests.support.running.executors import NOT_SENT, RULES, Executor, Time, a_coin, configure, rows
from tests.support.running.services import open_database
from tests.support.running.simulators import running_simulator
from tests.waiting import eventually

EVERYTHING: Final = "SELECT FROM trade_config, exposure FOR UPDATE"
WRITES: Final = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
"""PostgreSQL's documentation, 9.26: an id is assigned where a transaction writes, or locks a row."""
TRACES: Final = """
SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM positions) + (SELECT count(*) FROM halts)
    + (SELECT count(*) FROM trade_outbox)
"""
QUOTE: Final = "USDT"
TURNS: Final = 200


async def rehearse(executor: Executor) -> None:
    await executor.parts.rehearsal.rehearse(executor.handle, QUOTE)


class OneConnection:
    """A database with one connection, in a transaction that the test looks into."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        return nullcontext(self._connection)


class Answering:
    """A database that answers reservations as the test says."""

    def __init__(self, database: Database, answer: Callable[[], Awaitable[Any]]) -> None:
        self._database = database
        self._answer = answer

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._database.connection() as connection:
            yield cast("Connection", _Answering(connection, self._answer))


class _Answering:
    def __init__(self, connection: Connection, answer: Callable[[], Awaitable[Any]]) -> None:
        self._connection = connection
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetchval(self, sql: str, *_: object) -> Any:
        assert sql == reservation_sql.RESERVE.sql
        return await self._answer()


def meets(executor: Executor, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Awaitable[Any]]) -> None:
    """Let *answer* be the database's to every purchase."""
    monkeypatch.setattr(executor.journal, "connection", Answering(executor.database, answer).connection)


def metrics_of(executor: Executor) -> list[str]:
    """Return all of our own metrics."""
    page = generate_latest(executor.registry).decode()
    return [line for line in page.splitlines() if line.startswith("sniper_")]


async def holding(executor: Executor, time: Time) -> None:
    """Have a coin bought, live."""
    await configure(executor.database, "auto_trade = true")
    await executor.buy(a_coin("HELD", time))
    await executor.resolve()
    assert await held(executor.database)


async def test_it_goes_as_far_as_a_signed_request(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    made, attempts = [], vars(executor.placing)["_attempts"]
    ahead = attempts.made_ahead
    monkeypatch.setattr(attempts, "made_ahead", lambda order: made.append((order.symbol, ahead(order))))

    await rehearse(executor)

    assert [(symbol, built.signed is not None) for symbol, built in made] == [(f"{NOBODY}{QUOTE}", True)]


async def test_it_writes_nothing_and_locks_no_row(
    database: Database, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configure(database, "auto_trade = true")
    async with database.transaction() as connection:
        monkeypatch.setattr(executor.journal, "connection", OneConnection(connection).connection)
        await rehearse(executor)

        assert not await connection.fetchval(WRITES)


async def test_under_the_version_that_there_is_the_purchase_would_be_an_order(executor: Executor, time: Time) -> None:
    await executor.decisions.read_ahead()

    assert isinstance(await executor.decisions.open_at_once(listing_at(time(), QUOTE), NOT_SENT, ALONE), Order)


async def test_it_waits_for_no_lock_of_a_decision(database: Database, executor: Executor) -> None:
    async with database.transaction() as deciding:
        await deciding.fetch(EVERYTHING)
        await rehearse(executor)


async def test_it_leaves_no_trace(database: Database, exchange: ModelExchange, time: Time) -> None:
    executor = Executor(database, exchange, time, ExecutorSettings(listings_per_minute_max=1))
    before = metrics_of(executor)
    with capture_logs() as logs:
        for _ in range(5):
            await rehearse(executor)

    async with database.connection() as connection:
        assert await connection.fetchval(TRACES) == 0
    assert (logs, executor.to_send, executor.latched, exchange.entries) == ([], [], [], [])
    assert metrics_of(executor) == before
    assert not executor.placing.is_sending()


async def test_it_cannot_send_even_where_the_database_says_that_it_was_committed(
    executor: Executor, exchange: ModelExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def committed() -> bool:
        return True

    meets(executor, monkeypatch, committed)
    with pytest.raises(RuntimeError, match="was committed"):
        await rehearse(executor)

    assert (executor.to_send, exchange.entries) == ([], [])


async def test_an_absent_database_is_said_to_be_away_and_logged_by_none(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> bool:
        raise TransientError("away")

    meets(executor, monkeypatch, away)
    with capture_logs() as logs, pytest.raises(TransientError):
        await rehearse(executor)

    assert logs == []


def quiet_of(executor: Executor) -> Quiet:
    busy = (executor.decisions.is_deciding, executor.parts.exits.is_selling, executor.placing.is_sending)
    return Quiet(executor.database.has_idle, busy)


@pytest.mark.parametrize("order", ["purchase", "sale"])
async def test_none_begins_while_an_order_is_under_way(
    database: Database, executor: Executor, time: Time, order: str
) -> None:
    await holding(executor, time)
    [each] = await held(database)
    selling = vars(executor.parts.exits)["_selling"]
    quiet = quiet_of(executor)
    async with database.connection(), database.connection():
        pass  # Two are open.
    assert quiet()
    async with database.transaction() as deciding:
        await deciding.fetch("SELECT FROM trade_config, exposure, positions FOR UPDATE")
        intent = SaleIntent(each.position, ExitReason.BY_HAND, Decimal(1))
        under_way = asyncio.create_task(
            executor.decide(a_coin("NEW", time)) if order == "purchase" else selling.sell(intent)
        )
        await eventually(lambda: executor.decisions.is_deciding() or selling.is_selling())
        assert not quiet()
    await under_way
    assert quiet()


async def test_none_takes_the_last_connection_from_a_sale(
    database_url: str, exchange: ModelExchange, time: Time
) -> None:
    async with open_database(database_url, pool_size=2) as small:
        executor = Executor(small, exchange, time)
        await holding(executor, time)
        [each] = await held(small)
        assert quiet_of(executor)()
        async with small.connection():
            assert not quiet_of(executor)()
            async with asyncio.timeout(10):
                assert await executor.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS)


async def test_a_sale_commits_while_a_rehearsal_hangs_in_a_pool_of_two(
    database_url: str, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, began = asyncio.Event(), asyncio.Event()

    async def hang() -> bool:
        began.set()
        await over.wait()
        return False

    async with open_database(database_url, pool_size=2) as small:
        executor = Executor(small, exchange, time)
        await holding(executor, time)
        [each] = await held(small)
        with monkeypatch.context() as patching:
            meets(executor, patching, hang)
            rehearsing = asyncio.create_task(rehearse(executor))
            await began.wait()
        async with asyncio.timeout(10):
            assert await executor.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS)
        assert not rehearsing.done()
        over.set()
        await rehearsing


@pytest.mark.parametrize("error", [TransientError("away"), ValueError("odd")])
async def test_rounds_go_on_after_an_error_which_alone_is_logged(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.rehearsal.rounds.AWAY_SECONDS", 0)
    monkeypatch.setattr("executor.rehearsal.rounds.FAILED_SECONDS", 0)
    rounds = []

    async def rehearse() -> None:
        rounds.append("begun")
        if len(rounds) == 1:
            raise error

    with capture_logs() as logs:
        keeping = asyncio.create_task(keep_rehearsed(rehearse, 0, lambda: True, failed="not rehearsed"))
        await eventually(lambda: len(rounds) > 1)
        keeping.cancel()

    expected = [] if isinstance(error, TransientError) else ["not rehearsed"]
    assert [line["event"] for line in logs] == expected


async def test_no_round_begins_where_it_may_not() -> None:
    rounds, may_begin = [], False

    async def rehearse() -> None:
        rounds.append("begun")

    keeping = asyncio.create_task(keep_rehearsed(rehearse, 0, lambda: may_begin, failed="not rehearsed"))
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert rounds == []
    may_begin = True
    await eventually(lambda: rounds)
    keeping.cancel()


@pytest.mark.parametrize("settings", [{"rehearsal_seconds": 0}, {"quote_assets": frozenset()}], ids=str)
async def test_nothing_is_rehearsed_where_it_is_switched_off_or_nothing_bought(
    executor: Executor, time: Time, settings: Mapping[str, Any]
) -> None:
    rehearsal = PurchaseRehearsal(ExecutorSettings(**settings), lambda: True, now=time)
    async with asyncio.TaskGroup() as tasks:
        with rehearsal.lend(executor.handle, tasks):
            assert not vars(tasks)["_tasks"]


async def test_it_begins_with_the_bytes_of_a_message(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []
    decode = cloudevents.decode

    def read(body: bytes) -> Event:
        bodies.append(body)
        return decode(body)

    monkeypatch.setattr(cloudevents, "decode", read)
    await rehearse(executor)

    assert [decode(body).subject for body in bodies] == [f"{NOBODY}{QUOTE}"]


async def test_the_next_listing_is_decided_on_by_what_a_rehearsal_has_read(
    executor: Executor, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rehearse(executor)
    monkeypatch.setattr(executor.journal, "read", None)

    assert (await executor.decide(a_coin("NEW", time))).outcome is Outcome.BUY


@pytest.mark.parametrize(("seconds", "lend"), [(0.01, None), (0, None), (0.01, lambda *_: nullcontext())])
async def test_the_service_rehearses_unless_that_is_switched_off_or_another_way_is_rehearsed(
    database_url: str, broker_url: str, monkeypatch: pytest.MonkeyPatch, seconds: float, lend: Lend | None
) -> None:
    made: list[str] = []
    monkeypatch.setattr(OrderSender, "rehearse", lambda _, order: made.append(order.symbol))
    monkeypatch.setattr(trading, "serve", partial(serve, lend=lend))
    settings = ExecutorSettings(rehearsal_seconds=seconds)
    async with (
        running_simulator() as simulator,
        trading.executor(database_url, broker_url, trading.a_venue(simulator.rest_url), settings) as running,
    ):
        await simulator.list_coin("FRESHUSDT", price="1.00", swing="0")
        if seconds and lend is None:
            await eventually(lambda: made)
        await running.tell(trading.a_fresh_listing("FRESHUSDT", price=Decimal("1.00"), rules=RULES))
        await running.ended("FRESHUSDT")
        bought = await rows(running.runtime.database)

    assert set(made) == ({f"{NOBODY}{QUOTE}"} if seconds and lend is None else set())
    assert {row["symbol"] for row in bought} == {event.subject for event in running.trades.events} == {"FRESHUSDT"}
