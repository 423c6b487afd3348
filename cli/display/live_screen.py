"""The screen of `sniper up`: events as lines, and an overview below them."""

import asyncio
import sys
from contextlib import AbstractContextManager, aclosing, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog
from rich.console import Console
from rich.live import Live

from cli.display import event_lines, overview
from cli.display.results import result_of
from cli.display.watch import follow
from shared.errors import TransientError, pause
from shared.events import utc_now
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

BLOCK_SECONDS: Final = 1.0
SUMMARY_SECONDS: Final = 10.0


@dataclass(slots=True)
class LiveScreen:
    """On a terminal the overview stays at the bottom; elsewhere it is a line from time to time."""

    console: Console
    database: Database
    prices: overview.PriceSource
    tally: event_lines.TradeTally = field(default_factory=event_lines.TradeTally)

    async def show(self, ready: asyncio.Event, stop: asyncio.Event) -> None:
        """Show both until *stop*; the overview from *ready* on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._show_events(stop), name="screen-events")
            tasks.create_task(self._show_overview(ready, stop), name="screen-standing")

    async def _show_events(self, stop: asyncio.Event) -> None:
        async with aclosing(follow(self.database, stop)) as rows:
            async for row in rows:
                result = None
                with suppress(TransientError):
                    result = await result_of(self.database, row)
                self.tally.count(row, result)
                self.console.print(event_lines.line(row, result, utc_now()), soft_wrap=True)

    async def _show_overview(self, ready: asyncio.Event, stop: asyncio.Event) -> None:
        await ready.wait()
        with live_block(self.console) as live:
            while not stop.is_set():
                try:
                    found = await overview.gather(self.database, self.prices)
                except TransientError as error:
                    log.debug("standing not known", reason=str(error))
                else:
                    if live is None:
                        self.console.print(overview.summary(found, self.tally), soft_wrap=True)
                    else:
                        live.update(overview.block(found, self.tally), refresh=True)
                await pause(SUMMARY_SECONDS if live is None else BLOCK_SECONDS, stop)


def live_block(console: Console) -> AbstractContextManager[Live | None]:
    """Open a block that is redrawn at the bottom of a terminal; yield None elsewhere."""
    if not console.is_terminal:
        return nullcontext()
    is_terminal = sys.stderr.isatty()  # Then warnings are printed above the block.
    return Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=is_terminal)
