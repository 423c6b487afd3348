"""The terminal of `sniper up`: events as lines, and below them the standing."""

import asyncio
import sys
from contextlib import AbstractContextManager, aclosing, nullcontext
from dataclasses import dataclass, field
from typing import Final

import structlog
from rich.console import Console
from rich.live import Live

from api.schemas import ListingRow, TradeRow
from cli.display import feed, standing
from cli.display.results import Result, result_of
from cli.display.watch import follow
from shared.backoff import pause
from shared.errors import TransientError
from shared.events import utc_now
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

BLOCK_SECONDS: Final = 1.0
SUMMARY_SECONDS: Final = 10.0


@dataclass(slots=True)
class LiveScreen:
    """On a terminal the standing stays at its lower end; elsewhere it is a line from time to time."""

    console: Console
    database: Database
    prices: standing.Prices
    tally: feed.Tally = field(default_factory=feed.Tally)

    async def show(self, ready: asyncio.Event, stop: asyncio.Event) -> None:
        """Show both until *stop*; the standing from *ready* on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._show_events(stop), name="screen-events")
            tasks.create_task(self._show_standing(ready, stop), name="screen-standing")

    async def _show_events(self, stop: asyncio.Event) -> None:
        async with aclosing(follow(self.database, stop)) as rows:
            async for row in rows:
                result = await self._result(row)
                self.tally.count(row, result)
                self.console.print(feed.line(row, result, utc_now()), soft_wrap=True)

    async def _result(self, row: ListingRow | TradeRow) -> Result | None:
        try:
            return await result_of(self.database, row)
        except TransientError:
            return None

    async def _show_standing(self, ready: asyncio.Event, stop: asyncio.Event) -> None:
        await ready.wait()
        with self._live() as live:
            while not stop.is_set():
                try:
                    found = await standing.gather(self.database, self.prices)
                except TransientError as error:
                    log.debug("standing not known", reason=str(error))
                else:
                    self._draw(live, found)
                await pause(SUMMARY_SECONDS if live is None else BLOCK_SECONDS, stop)

    def _live(self) -> AbstractContextManager[Live | None]:
        if not self.console.is_terminal:
            return nullcontext()
        is_terminal = sys.stderr.isatty()  # Warnings stand above the block, unless they go elsewhere.
        return Live(
            console=self.console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=is_terminal
        )

    def _draw(self, live: Live | None, found: standing.Standing) -> None:
        if live is None:
            self.console.print(standing.summary(found, self.tally), soft_wrap=True)
        else:
            live.update(standing.block(found, self.tally), refresh=True)
