"""Prices of assets in which fees were taken, read soon after; an unknown price is given up, never invented."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog
from asyncpg import Record

from executor.journal import settlement
from shared.errors import TransientError, each_isolated, in_a_line, pause
from shared.mexc.errors import ExchangeError, ExchangeRejected
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 5.0
AGE_MAX: Final = timedelta(seconds=60)
"""A price that is read later is not that of the fee."""
OPEN: Final = """
SELECT id, mode, asset, amount, taken_at FROM other_fees
WHERE price IS NULL AND given_up_at IS NULL ORDER BY taken_at LIMIT 100
"""
VALUE: Final = """
UPDATE other_fees SET price = $2 WHERE id = $1 AND price IS NULL AND given_up_at IS NULL RETURNING true
"""
GIVE_UP: Final = "UPDATE other_fees SET given_up_at = $2 WHERE id = $1 AND price IS NULL AND given_up_at IS NULL"

PriceOf = Callable[[str], Awaitable[Decimal | None]]
"""Returns the price of a symbol's last trade; None without trades. Raises ExchangeError."""


class FeePrices:
    """Values fees in other assets."""

    def __init__(self, database: Database, price_of: PriceOf, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._price_of = price_of
        self._now = now

    async def run(self, until: asyncio.Event) -> None:
        """Value fees every few seconds, until *until* is set."""
        while not until.is_set():
            try:
                await self.look()
            except TransientError as error:
                log.info("fees in other assets were not valued", reason=str(error))
            except Exception:
                # An error of one round must not end the loop.
                log.exception("fees in other assets were not valued")
            await pause(EVERY_SECONDS, until)

    async def look(self) -> None:
        """Value each fee that is not valued yet, once."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(OPEN)
        await each_isolated(
            rows,
            self.value,
            failed=lambda row, error: log.error("a fee was not valued", asset=row["asset"], reason=in_a_line(error)),
        )

    async def value(self, row: Record) -> None:
        """Value one fee, or give it up."""
        now = self._now()
        if now - row["taken_at"] > AGE_MAX:
            await self._give_up(row, "it was asked for too late")
            return
        try:
            price = await self._price_of(f"{row['asset']}USDT")
        except ExchangeRejected as error:
            if not error.is_unknown_symbol:
                raise
            await self._give_up(row, "the exchange does not price it in USDT")
            return
        except ExchangeError as error:
            log.info("a price was not learned", asset=row["asset"], reason=str(error))
            return
        if price is not None:
            await self.charge(row, price)

    async def charge(self, row: Record, price: Decimal) -> None:
        """Charge one fee at *price* to the result of its day."""
        async with self._database.transaction() as connection:
            await connection.execute(settlement.LOCK, row["mode"])
            if await connection.fetchval(VALUE, row["id"], price):
                await settlement.charge_fee(connection, row["mode"], row["taken_at"], row["amount"], price)

    async def _give_up(self, row: Record, why: str) -> None:
        log.warning("nobody knows what a fee cost", asset=row["asset"], amount=f"{row['amount']:f}", reason=why)
        async with self._database.connection() as connection:
            await connection.execute(GIVE_UP, row["id"], self._now())
