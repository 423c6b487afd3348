"""The breaker that halts purchases of a mode once it has lost as much on a day as an operator allows."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_UP, Decimal
from typing import Final

import structlog
from asyncpg import Record

from executor.halts import latches
from executor.halts.latches import Cause
from executor.journal import settlement
from executor.model.money import CENT
from executor.pricing.fair_values import FairValues, Holding
from shared.backoff import pause
from shared.errors import TransientError
from shared.events import Mode
from shared.isolation import each_isolated, in_a_line
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

RESULT: Final = """
SELECT mode, result_day, day_result_usdt, loss_day, loss_known_usdt,
    (SELECT daily_loss_usdt_max FROM trade_config WHERE id = 1) AS loss_max,
    EXISTS (
        SELECT FROM halts
        WHERE cause = 'daily_loss' AND halts.mode = exposure.mode
            AND created_at > coalesce((SELECT resumed_at FROM trade_config WHERE id = 1), '-infinity')
    ) AS halted
FROM exposure WHERE mode = $1
"""
# Nobody knows what is external or unsellable is worth: its loss counts once it is written off.
HOLDINGS: Final = """
SELECT listing_key, mode, base_qty, cost_usdt FROM positions
WHERE mode = $1 AND state IN ('open', 'closing', 'dust')
"""
KNOWN: Final = "UPDATE exposure SET loss_day = $2, loss_known_usdt = $3 WHERE mode = $1"
_NOTHING: Final = Decimal("0.00")


def loss_of(realised: Decimal, unrealised: Decimal) -> Decimal:
    """Return what was lost, in whole cents; gains that are only on paper do not make up for losses that are real."""
    return max(_NOTHING, -(realised + min(unrealised, _NOTHING))).quantize(CENT, ROUND_UP)


def is_too_much(loss: Decimal, known: Decimal, loss_max: Decimal) -> bool:
    """Return whether *loss* reaches *loss_max*, beyond what was *known* when an operator last resumed."""
    return loss >= known + loss_max


class DailyLossBreaker:
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
        await each_isolated(Mode, lambda mode: self._compare(mode, today), failed=_passed_over)

    async def _compare(self, mode: Mode, today: date) -> None:
        """Look without a lock first, on which purchases would wait."""
        async with self._database.connection() as connection:
            is_due = await self._finding(connection, mode, today) is not None
        if is_due:
            await self._halt(mode, today)

    async def _halt(self, mode: Mode, today: date) -> None:
        """Latch the halt, or remember how much it stands for: after an operator resumed, only more than that counts.

        The lock is the one under which orders settle: what was realised and what is held are of one moment.
        """
        async with self._database.transaction() as connection:
            await connection.execute(settlement.LOCK, mode)
            finding = await self._finding(connection, mode, today)
            if finding is None:
                return
            if not finding.is_halted:
                await latches.latch(connection, Cause.DAILY_LOSS, mode, _words(finding, today))
            await connection.execute(KNOWN, mode, today, finding.loss)

    async def _finding(self, connection: Connection, mode: Mode, today: date) -> "_Finding | None":
        """Return what has to be written down of *mode*; None where nothing has.

        During a halt the loss of now is what an operator sees and resumes with, be it more than before or less.
        """
        row = await connection.fetchrow(RESULT, mode)
        if row is None or row["loss_max"] is None:
            return None
        realised = row["day_result_usdt"] if row["result_day"] == today else _NOTHING
        held = [_holding(each) for each in await connection.fetch(HOLDINGS, mode)]
        loss, known = loss_of(realised, self._fair_values.unrealised(held)), _known(row, today)
        is_due = loss != known if row["halted"] else is_too_much(loss, known, row["loss_max"])
        return _Finding(loss, known, is_halted=row["halted"]) if is_due else None


@dataclass(frozen=True, slots=True)
class _Finding:
    loss: Decimal
    known: Decimal
    is_halted: bool


def _words(finding: _Finding, today: date) -> str:
    before = f", {finding.known} of them before trading was resumed" if finding.known else ""
    return f"{finding.loss} USDT lost on {today}{before}"


def _holding(row: Record) -> Holding:
    return Holding(f"{row['listing_key']} {row['mode']}", row["base_qty"], row["cost_usdt"])


def _known(row: Record, today: date) -> Decimal:
    return Decimal(row["loss_known_usdt"]) if row["loss_day"] == today else _NOTHING


def _passed_over(mode: Mode, error: Exception) -> None:
    log.error("the day's loss of a mode was not compared", mode=mode, reason=in_a_line(error))
