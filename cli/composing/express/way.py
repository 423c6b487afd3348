"""The express way of a sighting: from ingest to the executor's decision in memory, and one commit to the order.

It is in front of the normal way, which every sighting takes as well: the first claim on a listing decides on it.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Never

import structlog

from cli.composing.express.claim import claimed, reservation
from cli.composing.express.metrics import ExpressMetrics, Outcome
from cli.composing.express.rehearsal import Rehearsal, RehearsedExchange
from dedup.ledger import ClaimCache
from executor.decisions.strategy import WaitForOpening
from executor.journal.decision_writer import OvertakenError
from executor.listing_handler import BuyListing
from executor.model import Order, Refusal
from executor.rehearsal.rounds import READ_SECONDS, keep_rehearsed
from executor.sending.purchase_decisions import Foreseen
from shared.errors import PermanentError, TransientError
from shared.events import RawListing, utc_now
from shared.log_context import listing_context
from shared.mexc.symbols import key_of

log = structlog.get_logger(__name__)

REMEMBERED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Lent:
    """The executor's handler, and tasks that are waited for at a stop."""

    buy: BuyListing
    tasks: asyncio.TaskGroup


class ExpressWay:
    """Takes sightings from ingest to the handler that the executor lends."""

    def __init__(
        self,
        metrics: ExpressMetrics,
        *,
        rehearsal: Rehearsal | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._metrics = metrics
        self._rehearsal = rehearsal
        self._now = now
        self._lent: _Lent | None = None
        self._has_read = False
        self._under_way = 0
        self._seen = ClaimCache(REMEMBERED_MAX)

    def is_open(self) -> bool:
        """Return whether a sighting could be bought now, as far as the way matters."""
        return self._lent is not None and self._has_read

    @contextmanager
    def lend(self, buy: BuyListing, tasks: asyncio.TaskGroup) -> Iterator[None]:
        """Buy with *buy* during the block."""
        self._lent = _Lent(buy, tasks)
        beside = [tasks.create_task(self.keep_reading(buy), name="express reading")]
        if self._rehearsal is not None:
            rehearsing = self.keep_rehearsed(buy, self._rehearsal)
            beside.append(tasks.create_task(rehearsing, name="express rehearsal"))
        try:
            yield
        finally:
            self._lent = None
            for task in beside:
                task.cancel()

    def take(self, raw: RawListing) -> asyncio.Future[None] | None:
        """Start the way of *raw*, and return its end; None where it does not go that way."""
        key = key_of(raw)
        if self._seen.is_duplicate(key, raw.id):
            self._metrics.took(Outcome.REPEATED)
        elif self._lent is None:
            self._metrics.took(Outcome.CLOSED)
        else:
            self._seen.remember(key, raw.id)
            return self._lent.tasks.create_task(self._go(self._lent.buy, raw), name=f"express-{raw.symbol}")
        return None

    async def _go(self, buy: BuyListing, raw: RawListing) -> None:
        self._under_way += 1
        with listing_context(key_of(raw), raw.id):
            try:
                listing = claimed(raw, self._now())
                outcome, reason = outcome_of(await buy.at_once(listing, reservation(raw, listing)))
            except OvertakenError:
                outcome, reason = Outcome.OVERTAKEN, ""
            except PermanentError:
                outcome, reason = Outcome.INVALID, ""
            except TransientError as error:
                outcome, reason = Outcome.UNCERTAIN, ""
                log.warning("not known whether a sighting was bought ahead", symbol=raw.symbol, reason=str(error))
            except Exception:
                outcome, reason = Outcome.FAILED, ""
                log.exception("a sighting was not bought ahead", symbol=raw.symbol)
            self._under_way -= 1
            self._metrics.took(outcome, reason)
            log.debug("express", symbol=raw.symbol, outcome=outcome, reason=reason)

    async def keep_reading(self, buy: BuyListing) -> Never:
        """Keep the reading that decides on the next listing fresh, until cancelled."""
        while True:
            try:
                await buy.read_ahead()
                self._has_read = True
            except TransientError as error:
                log.debug("the limits were not read ahead", reason=str(error))
            except Exception:
                log.exception("the limits were not read ahead")
            await asyncio.sleep(READ_SECONDS)

    async def keep_rehearsed(self, buy: BuyListing, rehearsal: Rehearsal) -> Never:
        """Rehearse the way whenever no sighting is on it, until cancelled."""
        exchange = RehearsedExchange(rehearsal.quote_asset)
        await keep_rehearsed(
            lambda: self.rehearse(buy, exchange),
            rehearsal.every_seconds,
            lambda: not self._under_way,
            failed="the express way was not rehearsed",
        )

    async def rehearse(self, buy: BuyListing, exchange: RehearsedExchange) -> None:
        """Let a sighting on *exchange* go the way as far as its commit, which commits nothing."""
        now = self._now()
        raw = await exchange.sighting(now)
        with listing_context(key_of(raw), raw.id):
            listing = claimed(raw, now)
            await buy.rehearse(listing, reservation(raw, listing))


def outcome_of(foreseen: Foreseen) -> tuple[Outcome, str]:
    """Return the outcome of a decision, and the reason of a refusal."""
    match foreseen:
        case Order():
            return Outcome.BOUGHT, ""
        case WaitForOpening():
            return Outcome.WAITS, ""
        case Refusal(reason):
            return Outcome.REFUSED, reason
        case None:
            return Outcome.UNREAD, ""
