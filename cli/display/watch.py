"""`sniper watch`: listings and trades as they are stored, oldest first, and pending trades again when they end."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import structlog
from rich.console import Console
from rich.text import Text
from sqlalchemy import ColumnElement, Table, bindparam, func, select

from api.queries import read_connection
from api.schemas import ListingRow, TradeRow
from cli import command_runner
from cli.display import tables
from shared.errors import SettingsError, TransientError, pause
from shared.events import TradeStatus
from shared.postgres.database import Database
from shared.postgres.schema.tables import listings, trades

log = structlog.get_logger()

POLL_SECONDS: Final = 0.5
SINCE_MINUTES_MAX: Final = 52_560_000
"""A hundred years: earlier than any row, and a time that PostgreSQL can subtract."""
ROWS_MAX: Final = 500
OVERLAP: Final = 200
"""Ids are assigned before commit, so one may appear after a higher one: this many are read again."""

STATUS_STYLES: Final = {TradeStatus.FILLED: "green", TradeStatus.PENDING: "yellow"}

_PENDING: Final = select(trades.c.id).where(trades.c.status == TradeStatus.PENDING)
_ENDED: Final = select(*(trades.c[name] for name in TradeRow.model_fields)).where(
    trades.c.id.in_(bindparam("ids", expanding=True)), trades.c.status != TradeStatus.PENDING
)

Row = TypeVar("Row", ListingRow, TradeRow)


@dataclass(slots=True)
class _NewRows(Generic[Row]):
    """The newest rows of one table."""

    table: Table
    model: type[Row]
    since: timedelta
    start: int | None = None
    """Rows up to this id are old; unknown before the first read."""
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=OVERLAP + ROWS_MAX))

    async def read(self, database: Database) -> list[Row]:
        async with read_connection(database) as connection:
            if self.start is None:
                old = self.table.c.created_at <= func.now() - self.since
                newest_old = select(self.table.c.id).where(old).order_by(self.table.c.created_at.desc()).limit(1)
                self.start = await connection.scalar(newest_old) or 0
                # A trade that was pending for hours is an old row with a recent end.
                wanted: ColumnElement[bool] = (self.table.c.id > self.start) | (
                    self.table.c.created_at > func.now() - self.since
                )
            else:
                wanted = self.table.c.id > max([self.start, *(each - OVERLAP for each in self.seen)])
            columns = (self.table.c[name] for name in self.model.model_fields)
            rows_query = select(*columns).where(wanted).order_by(self.table.c.id).limit(ROWS_MAX)
            found = await connection.execute(rows_query)
            rows = [self.model.model_validate(row) for row in found]
        known = frozenset(self.seen)
        fresh = [row for row in rows if row.id not in known]
        self.seen.extend(row.id for row in fresh)
        return fresh


@dataclass(slots=True)
class _EndedTrades:
    """Pending trades that have ended: their rows are old, their outcomes new."""

    pending: set[int] | None = None
    """Unknown before the first read."""

    async def read(self, database: Database) -> list[TradeRow]:
        async with read_connection(database) as connection:
            if self.pending is None:
                self.pending = set(await connection.scalars(_PENDING))
            found = await connection.execute(_ENDED, {"ids": list(self.pending)})
            rows = [TradeRow.model_validate(row) for row in found]
        for row in rows:
            self.saw(row)
        return rows

    def saw(self, row: ListingRow | TradeRow) -> None:
        """Remember a trade while it is pending."""
        if self.pending is None or isinstance(row, ListingRow):
            return
        if row.status is TradeStatus.PENDING:
            self.pending.add(row.id)
        else:
            self.pending.discard(row.id)


async def follow(
    database: Database, stop: asyncio.Event, *, since: timedelta = timedelta()
) -> AsyncGenerator[ListingRow | TradeRow, None]:
    """Yield each row stored from *since* ago on, until *stop*; retries while the database is unavailable."""
    tails = (_NewRows(listings, ListingRow, since), _NewRows(trades, TradeRow, since))
    endings = _EndedTrades()
    while not stop.is_set():
        rows: list[ListingRow | TradeRow] = []
        for source in (endings, *tails):
            try:
                rows += await source.read(database)
            except TransientError as error:
                log.warning("cannot watch", reason=str(error))
        for row in sorted(rows, key=happened_at):
            endings.saw(row)
            yield row
        await pause(POLL_SECONDS, stop)


def happened_at(row: ListingRow | TradeRow) -> datetime:
    """Return the event's time at the exchange, not when it was stored: a coin is listed before it is traded."""
    return row.listed_at if isinstance(row, ListingRow) else row.created_at


async def watch(stop: asyncio.Event, *, since_minutes: float, limit: int) -> None:
    """`sniper watch`."""
    if since_minutes > SINCE_MINUTES_MAX:
        raise SettingsError(f"--since: is a number of minutes, {SINCE_MINUTES_MAX} at most")
    async with command_runner.database() as database:
        await show(Console(), database, stop, since=timedelta(minutes=since_minutes), limit=limit)


async def show(
    console: Console, database: Database, stop: asyncio.Event, *, since: timedelta = timedelta(), limit: int = 0
) -> None:
    """Print each row as it comes, until *stop* or for *limit* rows (0: no limit)."""
    shown = 0
    async with aclosing(follow(database, stop, since=since)) as rows:
        async for row in rows:
            console.print(line(row), soft_wrap=True)
            shown += 1
            if shown == limit:
                return


def line(row: ListingRow | TradeRow) -> Text:
    """Return one row as one line."""
    time = (f"{happened_at(row):%H:%M:%S}  ", "dim")
    if isinstance(row, ListingRow):
        opens = f", opens {row.opens_at:%Y-%m-%d %H:%M:%S} UTC" if row.opens_at else ""
        return Text.assemble(time, ("listing  ", "cyan"), (row.symbol, "bold"), f" by {row.source}{opens}")
    exit_reason = f" ({row.exit_reason})" if row.exit_reason else ""
    reason = f": {row.error_reason}" if row.error_reason else ""
    return Text.assemble(
        time,
        ("trade    ", "magenta"),
        (row.symbol, "bold"),
        f" {row.side} {row.quote_qty:f} USDT{exit_reason} {row.mode} ",
        (row.status, STATUS_STYLES.get(row.status, "red")),
        f" in {tables.milliseconds(row.ack_latency_ms)}{reason}",
    )
