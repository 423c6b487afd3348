"""A loop whose clock goes on to the next timer as soon as nothing else is left to do: minutes pass in milliseconds."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import asyncpg
import pytest
from asyncpg.pool import PoolConnectionHolder, PoolConnectionProxy
from asyncpg.prepared_stmt import PreparedStatement

from executor.exits.sale_orders import FreeBalances
from executor.exits.watchdog import Watchdog
from executor.halts import halt_watch
from executor.halts.halt_watch import HaltWatch
from executor.market_data.market_views import MarketViews
from executor.rate_limits.rate_limiter import RateLimiter
from executor.reconciliation.order_reconciler import OrderReconciler
from shared.mexc.time.exchange_clock import ExchangeClock
from shared.postgres.database import Database
from tests.support.running.services import open_database

_BUSY_SECONDS_MAX = 5.0
"""Of real time; a database that takes longer is slow in virtual time, too."""
_IDLE_SECONDS = 0.05
TURNS_MAX = 50_000
TURN_SECONDS = 1e-5
"""Who watches the clock until a moment comes is watching it now, too."""
HALT_POLL_SECONDS = 0.5


class VirtualLoop(asyncio.SelectorEventLoop):
    """Real sockets, virtual timers. While `is_busy` says that a socket will answer, no time passes."""

    def __init__(self) -> None:
        self.moment = 1_000.0
        self.is_busy: Callable[[], bool] = lambda: True
        self.turns = 0
        """Taken without a moment passing."""
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.moment


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._virtual = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._virtual.turns += 1
        self._virtual.moment += TURN_SECONDS
        if self._virtual.turns > TURNS_MAX:
            self._virtual.turns = 0
            raise AssertionError(f"something spins: {asyncio.all_tasks(self._virtual)}")
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._virtual.is_busy() and (ready := super().select(_BUSY_SECONDS_MAX)):
            return ready
        if timeout is None:
            return super().select(_IDLE_SECONDS)
        self._virtual.moment += timeout
        self._virtual.turns = 0
        return ready


@contextmanager
def following_the_database(loop: VirtualLoop) -> Iterator[None]:
    """Let no time pass on *loop* while a statement, or a connection, is under way."""
    under_way = 0

    def counted(work: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        @wraps(work)
        async def count(*args: Any, **kwargs: Any) -> Any:
            nonlocal under_way
            under_way += 1
            try:
                return await work(*args, **kwargs)
            finally:
                under_way -= 1

        return count

    with pytest.MonkeyPatch.context() as patch:
        for made in (asyncpg.Connection, PoolConnectionProxy):
            for name in ("execute", "executemany", "fetch", "fetchrow", "fetchval", "prepare", "close"):
                patch.setattr(made, name, counted(getattr(made, name)))
        # What SQLAlchemy calls.
        patch.setattr(asyncpg, "connect", counted(asyncpg.connect))
        patch.setattr(PreparedStatement, "fetch", counted(PreparedStatement.fetch))
        for name in ("connect", "release", "close"):
            patch.setattr(PoolConnectionHolder, name, counted(getattr(PoolConnectionHolder, name)))
        loop.is_busy = lambda: under_way > 0
        yield
        loop.is_busy = lambda: True


@contextmanager
def all_on(loop: VirtualLoop) -> Iterator[None]:
    """Let every part of an executor that measures durations do so on *loop*."""
    with pytest.MonkeyPatch.context() as patch:
        for made in (HaltWatch, Watchdog, MarketViews, RateLimiter, ExchangeClock, FreeBalances, OrderReconciler):
            for kind in ("__kwdefaults__", "__defaults__"):
                known = getattr(made.__init__, kind)
                if isinstance(known, dict):
                    clocks = {name: loop.time for name in known if name in {"clock", "now"}}
                    patch.setattr(made.__init__, kind, known | clocks)
        patch.setattr(FreeBalances.__init__, "__defaults__", (loop.time,))
        patch.setattr(
            ExchangeClock.__init__, "__defaults__", (*(ExchangeClock.__init__.__defaults__ or ())[:1], loop.time)
        )
        patch.setattr(halt_watch, "POLL_SECONDS", HALT_POLL_SECONDS)
        yield


@contextmanager
def a_virtual_loop(database_url: str) -> Iterator[tuple[VirtualLoop, Database]]:
    """Lend a loop, and the database at *database_url* opened on it."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        opening = open_database(database_url)
        database = loop.run_until_complete(opening.__aenter__())
        try:
            with all_on(loop), following_the_database(loop):
                yield loop, database
        finally:
            loop.run_until_complete(opening.__aexit__(None, None, None))
