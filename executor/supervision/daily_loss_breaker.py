"""Daily loss breaker: halt purchases of a mode once its loss of the day reaches the limit."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_UP, Decimal
from typing import Final

import structlog

from executor.halts import halt_causes
from executor.halts.halt_causes import HaltCause
from executor.journal import settlement
from executor.model import CENT
from executor.pricing import FairValues, Holding
from shared.errors import TransientError, each_isolated, in_a_line, pause
from shared.events import Mode
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
# External and unsellable positions have no known value: their loss counts once they are written off.
HOLDINGS: Final = """
SELECT listing_key, mode, base_qty, cost_usdt FROM positions
WHERE mode = $1 AND state IN ('open', 'closing', 'dust')
"""
KNOWN: Final = "UPDATE exposure SET loss_day = $2, loss_known_usdt = $3 WHERE mode = $1"
_NOTHING: Final = Decimal("0.00")


def loss_of(realised: Decimal, unrealised: Decimal) -> Decimal:
    """Return the loss in whole cents; unrealised gains do not offset realised losses."""
    return max(_NOTHING, -(realised + min(unrealised, _NOTHING))).quantize(CENT, ROUND_UP)


def is_too_much(loss: Decimal, known: Decimal, loss_max: Decimal) -> bool:
    """Return whether *loss* exceeds the loss *known* at the last resume by *loss_max* or more."""
    return loss >= known + loss_max


class DailyLossBreaker:
    """Compares repeatedly. Days are in UTC, by the exchange's time."""

    def __init__(
        self, database: Database, fair_values: FairValues, *, every_seconds: float, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._fair_values = fair_values
        self._every_seconds = every_seconds
        self._now = now

    async def run(self, until: asyncio.Event) -> None:
        """Compare repeatedly, until *until* is set."""
        while not until.is_set():
            await pause(self._every_seconds, until)
            try:
                await self.compare()
            except TransientError as error:
                log.info("the day's loss was not compared", reason=str(error))
            except Exception:
                # An error of one comparison must not end the loop.
                log.exception("the day's loss was not compared")

    async def compare(self) -> None:
        """Compare the loss of each mode with the limit once, and halt the modes that reach it."""
        today = self._now().astimezone(UTC).date()
        await each_isolated(
            Mode,
            lambda mode: self.compare_mode(mode, today),
            failed=lambda mode, error: log.error(
                "the day's loss of a mode was not compared", mode=mode, reason=in_a_line(error)
            ),
        )

    async def compare_mode(self, mode: Mode, today: date) -> None:
        """Latch the halt of a mode, or update the loss that it stands for: after a resume, only more than that counts.

        The lock is the one under which orders settle, so that realised result and holdings are consistent. A first
        look does without: purchases would wait for it.
        """
        async with self._database.connection() as connection:
            if await self._finding(connection, mode, today) is None:
                return
        async with self._database.transaction() as connection:
            await connection.execute(settlement.LOCK, mode)
            finding = await self._finding(connection, mode, today)
            if finding is None:
                return
            if not finding.is_halted:
                await halt_causes.latch(connection, HaltCause.DAILY_LOSS, mode, _words(finding, today))
            await connection.execute(KNOWN, mode, today, finding.loss)

    async def _finding(self, connection: Connection, mode: Mode, today: date) -> "_Finding | None":
        """Return the loss of *mode* where it has to be stored; None where it need not.

        During a halt the present loss is the one that an operator sees and resumes with, whether it rose or fell.
        """
        row = await connection.fetchrow(RESULT, mode)
        if row is None or row["loss_max"] is None:
            return None
        realised = row["day_result_usdt"] if row["result_day"] == today else _NOTHING
        held = [
            Holding(f"{each['listing_key']} {each['mode']}", each["base_qty"], each["cost_usdt"])
            for each in await connection.fetch(HOLDINGS, mode)
        ]
        loss = loss_of(realised, self._fair_values.unrealised(held))
        known = Decimal(row["loss_known_usdt"]) if row["loss_day"] == today else _NOTHING
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
