"""What a source of evidence is. Watching another one means adding a class like this, not changing a loop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Never, Protocol

from ingest.source_events import SourceEvent
from shared import events

Report = Callable[[SourceEvent], Awaitable[bool]]
"""Takes evidence in and tells whether it was believed."""


class Source(Protocol):
    @property
    def name(self) -> events.Source:
        """Who saw what it reports."""

    async def watch(self, report: Report) -> Never:
        """Report what the exchange shows, through whatever it or the network does, until cancelled.

        A fault of ours over one frame or answer costs that one; only one outside of them ends it otherwise.
        """


async def watch_all(sources: Iterable[Source], report: Report, stop: asyncio.Event) -> None:
    """Watch *sources* side by side until *stop* is set; a bug in one of them ends them all."""
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(source.watch(report), name=f"source-{source.name}") for source in sources]
        await stop.wait()
        for task in watching:
            task.cancel()
