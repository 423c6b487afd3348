"""Openings as dedup's ledger holds them: for orders that missed the news, and for listings never decided on.

A listing that was open when it was seen is bought from its message or not at all. One that opens later can wait for an
executor that was away while it was announced, and as long as it is fresh at its opening, too: its message has expired
by then, its claim has not. dedup owns the ledger; here it is read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from asyncpg import Record

from executor.journal import moved_opening_sql
from executor.journal.order_row import about_row, opening_of
from shared.errors import TransientError, each_isolated, in_a_line, pause, readable
from shared.events import Listing
from shared.log_context import of_listing
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 10.0
MISSED_MAX: Final = 100
"""In one look; the rest follows in the next."""

LATER: Final = """
SELECT orders.listing_key, orders.listing, claimed.opens_at, claimed.opens_observed_at
FROM orders JOIN listing_claims AS claimed USING (listing_key)
WHERE orders.state = 'armed' AND claimed.opens_at IS DISTINCT FROM orders.fire_at AND claimed.opens_at IS NOT NULL
"""
MISSED: Final = """
SELECT listing_key, listing, opens_at, opens_observed_at FROM listing_claims AS claimed
WHERE opens_at >= $1 AND NOT EXISTS (
    SELECT FROM orders WHERE orders.listing_key = claimed.listing_key AND orders.side = 'BUY'
)
ORDER BY opens_at LIMIT $2
"""


async def follow(connection: Connection) -> None:
    """Let every order that waits wait for the opening in the ledger, where that is a later word than its own."""

    async def move(word: Listing) -> None:
        await connection.fetchval(moved_opening_sql.MOVE.sql, *moved_opening_sql.MOVE.arguments(opening_of(word)))
        with of_listing(word):
            log.info("opening moved", symbol=word.symbol, listing=word.key, opens_at=word.opens_at)

    # An order that cannot be read is an alarm already where orders are read.
    words = readable(await connection.fetch(LATER), _later_word, failed=lambda *_: None)
    await each_isolated([word for word in words if word is not None], move, failed=_not_taken_in)


def _later_word(row: Record) -> Listing | None:
    """Return the listing of a waiting order as the ledger holds it; None where that is no news."""
    known = Listing.model_validate(row["listing"])
    is_later = known.opens_at is None or row["opens_observed_at"] > known.observed_at
    return _as_claimed(row) if is_later and row["opens_at"] != known.opens_at else None


def _as_claimed(row: Record) -> Listing:
    """Return the listing in *row* with the latest word on its opening."""
    return Listing.model_validate(
        row["listing"] | {"opens_at": row["opens_at"], "observed_at": row["opens_observed_at"]}
    )


def _was_seen_ahead(listing: Listing) -> bool:
    return listing.opens_at is not None and listing.listed_at < listing.opens_at


def _not_taken_in(listing: Listing, error: Exception) -> None:
    with of_listing(listing):
        log.warning("an announced opening was not taken in", listing=listing.key, reason=in_a_line(error))


def _not_read(row: Record, error: Exception) -> None:
    with about_row(row):
        log.warning("a claim was not read", listing=row["listing_key"], reason=in_a_line(error))


class AnnouncedOpenings:
    """Decides on listings that are to open and that no message led to a decision on."""

    def __init__(
        self,
        database: Database,
        decide: Callable[[Listing], Awaitable[object]],
        *,
        age_seconds_max: float,
        now: Callable[[], datetime],
    ) -> None:
        """Listings that opened longer than *age_seconds_max* ago are left alone."""
        self._database = database
        self._decide = decide
        self._age_max = timedelta(seconds=age_seconds_max)
        self._now = now

    async def run(self, until: asyncio.Event) -> None:
        """Look at once, and again every now and then, until *until* is set."""
        while not until.is_set():
            try:
                await self.catch_up()
            except TransientError as error:
                log.debug("announced listings not read", reason=str(error))
            except Exception:
                log.exception("announced listings not read")
            await pause(LOOK_SECONDS, until)

    async def catch_up(self) -> None:
        """Decide on announced listings that were never decided on."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(MISSED, self._now() - self._age_max, MISSED_MAX)
        seen_ahead = filter(_was_seen_ahead, readable(rows, _as_claimed, failed=_not_read))
        await each_isolated(list(seen_ahead), self._decide, failed=_not_taken_in)
