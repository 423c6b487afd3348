"""The breaker that halts purchases of a mode once it has lost as much on a day as an operator allows."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_UP, Decimal
from typing import Final

import structlog
from asyncpg import Record

from executor import accounts, halts
from executor.fair_values import FairValues
from executor.halts import Cause
from executor.limits import CENT
from shared.backoff import pause
from shared.database import Connection, Database
from shared.errors import TransientError
from shared.events import Mode
from shared.halts import in_force
from shared.isolation import each_isolated, in_a_line

log = structlog.get_logger(__name__)

RESULTS: Final = """
SELECT mode, result_day, day_result_usdt, loss_day, loss_known_usdt,
    (SELECT daily_loss_usdt_max FROM trade_config WHERE id = 1) AS loss_max
FROM exposure
"""
RESULT: Final = f"{RESULTS} WHERE mode = $1"
KNOWN: Final = "UPDATE exposure SET loss_day = $2, loss_known_usdt = $3 WHERE mode = $1"
_NOTHING: Final = Decimal("0.00")


def loss_of(realised: Decimal, unrealised: Decimal) -> Decimal:
    """Return what was lost, in whole cents; gains that are only on paper do not make up for losses that are real."""
    return max(_NOTHING, -(realised + min(unrealised, _NOTHING))).quantize(CENT, ROUND_UP)


def is_too_much(loss: Decimal, known: Decimal, loss_max: Decimal) -> bool:
    """Return whether *loss* reaches *loss_max*, beyond what was *known* when an operator last resumed."""
    return loss >= known + loss_max


class DailyLoss:
    """Compares again and again. A day is one in UTC, by the exchange's time."""

    def __init__(
        self, database: Database, fair_values: FairValues, *, every_seconds: float, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._fair_values = fair_values
        self._every_seconds = every_seconds
        self._now = now

    async def run(self, until: asyncio.Event) -> None:
        """Compare again and again, until *until* is set."""
        while not until.is_set():
            await pause(self._every_seconds, until)
            try:
                await self.compare()
            except TransientError as error:
                log.info("the day's loss was not compared", reason=str(error))
            except Exception:
                # Whatever is wrong with one comparison, there must be another.
                log.exception("the day's loss was not compared")

    async def compare(self) -> None:
        """Compare the loss of each mode with the limit once, and halt the modes that reach it."""
        today = self._now().astimezone(UTC).date()
        async with self._database.connection() as connection:
            rows = await connection.fetch(RESULTS)
        await each_isolated(rows, lambda row: self._compare(row, today), failed=_passed_over)

    async def _compare(self, row: Record, today: date) -> None:
        mode = Mode(row["mode"])
        if row["loss_max"] is not None and self._loss(row, mode, today) >= row["loss_max"]:
            await self._halt(mode, today)

    async def _halt(self, mode: Mode, today: date) -> None:
        """Latch the halt, or remember how much it stands for: after an operator resumed, only more than that counts."""
        async with self._database.transaction() as connection:
            await connection.execute(accounts.LOCK, mode)
            row = await connection.fetchrow(RESULT, mode)
            if row is None or row["loss_max"] is None:
                return
            loss, known = self._loss(row, mode, today), _known(row, today)
            if await _is_halted(connection, mode):
                if loss > known:
                    await connection.execute(KNOWN, mode, today, loss)
            elif is_too_much(loss, known, row["loss_max"]):
                before = f", {known} of them before trading was resumed" if known else ""
                await halts.latch(connection, Cause.DAILY_LOSS, mode, f"{loss} USDT lost on {today}{before}")
                await connection.execute(KNOWN, mode, today, loss)

    def _loss(self, row: Record, mode: Mode, today: date) -> Decimal:
        realised = row["day_result_usdt"] if row["result_day"] == today else _NOTHING
        return loss_of(realised, self._fair_values.unrealised(mode))


def _known(row: Record, today: date) -> Decimal:
    return Decimal(row["loss_known_usdt"]) if row["loss_day"] == today else _NOTHING


def _passed_over(row: Record, error: Exception) -> None:
    log.error("the day's loss of a mode was not compared", mode=row["mode"], reason=in_a_line(error))


async def _is_halted(connection: Connection, mode: Mode) -> bool:
    return any(halt.cause == Cause.DAILY_LOSS and halt.mode in {None, mode} for halt in await in_force(connection))
