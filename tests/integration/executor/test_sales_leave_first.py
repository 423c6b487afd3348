"""A committed sale leaves ahead of everything else that follows from its commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from executor.exits.sale_orders import SaleIntent, SaleOrders
from executor.journal.held_positions import held
from executor.model import ExitReason, Order
from executor.sending.request_builder import BuiltRequest
from shared.errors import TransientError
from shared.postgres.database import Connection, Database
from tests.support.fakes.venues import ModelExchange
from tests.support.running.executors import Executor, Time, a_coin, configure


class Losing:
    """A database that loses each connection once its statement was answered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._database.connection() as connection:
            yield connection
        raise TransientError("lost")


@pytest.fixture
async def holding(executor: Executor, time: Time) -> Executor:
    """An executor that holds a coin, live."""
    await configure(executor.database, "auto_trade = true")
    await executor.buy(a_coin("HELD", time))
    await executor.resolve()
    await executor.look_for_halts()
    return executor


async def sell(executor: Executor) -> None:
    [each] = await held(executor.database)
    selling: SaleOrders = vars(executor.parts.exits)["_selling"]
    await selling.sell(SaleIntent(each.position, ExitReason.STOP_LOSS, Decimal(1)))


def connections_in_use(executor: Executor) -> int:
    pool = executor.database.pool
    return pool.get_size() - pool.get_idle_size()


async def test_it_leaves_before_its_connection_goes_back_to_the_pool(
    holding: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_use: list[int] = []

    async def place(_: Order, *, built: BuiltRequest | None = None) -> None:
        in_use.append(connections_in_use(holding))

    monkeypatch.setattr(holding.placing, "place", place)
    await sell(holding)

    assert (in_use, connections_in_use(holding)) == ([1], 0)


async def test_it_is_seen_to_its_end_where_its_connection_is_lost_meanwhile(
    holding: Executor, exchange: ModelExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding.journal, "connection", Losing(holding.database).connection)
    with pytest.raises(TransientError):
        await sell(holding)

    assert [entry.order.side for entry in exchange.entries] == ["BUY", "SELL"]
    assert not holding.placing.is_sending()
