"""Leave a ground as it was: nothing of one test's lies reaches the next, also where that test has failed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final

from shared.control.halts import IN_FORCE
from tests.hostile.ground import LIMIT_USDT, SECONDS, Ground
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

RESUME: Final = """
UPDATE trade_config
SET auto_trade = true, max_trade_usdt = $1, max_position_usdt = $1, halted = false, exits_halted = false,
    resumed_at = greatest(clock_timestamp(), (SELECT max(created_at) FROM halts))
"""
REPAIR: Final = "DELETE FROM trade_outbox WHERE set_aside_at IS NOT NULL OR NOT event ? 'id'"
UNLATCH: Final = "DELETE FROM halts"
HELD: Final = "SELECT symbol FROM positions WHERE mode = 'live' AND state IN ('open', 'closing')"
CLOSE: Final = """
INSERT INTO close_requests (listing_key, mode, requested_by) SELECT listing_key, mode, 'a test' FROM positions
WHERE mode = 'live' AND state IN ('open', 'closing') ON CONFLICT DO NOTHING
"""
LEFT: Final = "SELECT 1 FROM positions WHERE mode = 'live' AND state NOT IN ('closed', 'written_off')"
WRITE_OFF: Final = """
INSERT INTO write_offs (listing_key, mode, requested_by, reason) SELECT listing_key, mode, 'a test', 'left over'
FROM positions WHERE mode = 'live' AND state IN ('dust', 'external', 'unsellable') ON CONFLICT DO NOTHING
"""
WRITTEN_OFF: Final = "SELECT base_asset FROM positions WHERE mode = 'live' AND state = 'written_off'"

LOOKED: Final = """
SELECT query_start FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query = $1 AND state = 'idle' AND query_start > $2
"""
"""When an executor asked which halts are in force, if that is answered and was later than a moment."""


async def tidy(ground: Ground) -> None:
    """End every fault, sell what is still held, assert that nothing differs from the ledger, and reset the limits.

    Where the test has left no executor behind, one with the ordinary settings does that.
    """
    await ground.exchange.disarm()
    while ground.gifts:
        await ground.exchange.take_away(ground.gifts.pop())
    await ground.execute(REPAIR)
    if await ground.rows(LEFT) or not await ground.is_at_rest():
        await _sell_everything(ground)
    await ground.agrees()
    await ground.execute(RESUME, LIMIT_USDT)
    await ground.execute(UNLATCH)
    if ground.has_executor:
        await _halts_are_read(ground)
    await ground.judge_from_now_on()


async def _halts_are_read(ground: Ground) -> None:
    """Return once the executor acts on what the database says now of halts.

    It has what it read before, at the latest, when it asks again.
    """
    [now] = await ground.rows("SELECT clock_timestamp() AS at")
    answered = await _looks_again(ground, now["at"])
    await _looks_again(ground, answered)


async def _looks_again(ground: Ground, since: datetime) -> datetime:
    async def looked() -> datetime:
        [found] = await ground.rows(LOOKED, IN_FORCE, since)
        at: datetime = found["query_start"]
        return at

    return await eventually(looked, within_seconds=SECONDS, every_seconds=0.01)


async def _sell_everything(ground: Ground) -> None:
    if not ground.has_executor:
        await ground.staffed()
    for position in await ground.rows(HELD):
        await _make_sellable(ground.exchange, position["symbol"])

    async def nothing_is_held() -> bool:
        await ground.execute(CLOSE)
        await ground.execute(WRITE_OFF)
        return await ground.is_at_rest() and await ground.rows(LEFT) == []

    await eventually(nothing_is_held, within_seconds=SECONDS, every_seconds=0.05)
    for position in await ground.rows(WRITTEN_OFF):
        await ground.exchange.take_away(position["base_asset"])  # Or its cost would be at stake in the ledger for ever.


async def _make_sellable(exchange: Simulator, symbol: str) -> None:
    """Let *symbol* trade, with a book in which all of it can be sold at its price."""
    price = Decimal((await exchange.coin(symbol))["price"])
    book = {"bids": [(str(price * Decimal("0.99")), "100000")], "asks": [(str(price), "100000")]}
    await exchange.change_coin(symbol, status="trading", last_price=None, makers_per_level=1, fee_asset=None, **book)


class SharedGround:
    """The ground of a module, replaced by a fresh one where a test's tidying did not get to its end."""

    def __init__(self, new: Callable[[], AbstractAsyncContextManager[Ground]]) -> None:
        self._new = new
        self._stack = AsyncExitStack()
        self._tidy: Ground | None = None

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Ground]:
        """Lend a tidy ground for one test."""
        ground, self._tidy = self._tidy, None
        if ground is None:
            await self.removed()
            ground = await self._stack.enter_async_context(self._new())
        yield ground
        try:
            await tidy(ground)
        except AssertionError:
            if ground.resident is not None:
                print(ground.resident.last_words())  # noqa: T201 - shown where a test fails
            raise
        self._tidy = ground

    async def removed(self) -> None:
        """End what runs on the ground, and the ground."""
        self._tidy = None
        await self._stack.aclose()
