"""Protocol of sources. To watch another one, add a class like this; no loop changes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Never, Protocol

from ingest.source_events import SourceEvent
from shared import events

Report = Callable[[SourceEvent], Awaitable[bool]]
"""Processes an event; returns whether it was accepted."""


class Source(Protocol):
    @property
    def name(self) -> events.Source:
        """Name of the source in events."""

    async def watch(self, report: Report) -> Never:
        """Report what the exchange shows, through errors of the exchange and the network, until cancelled.

        An error of ours over one frame or answer costs that one; only an error outside of them ends the source.
        """


async def watch_all(sources: Iterable[Source], report: Report, stop: asyncio.Event) -> None:
    """Watch *sources* side by side until *stop* is set; a bug in one of them ends them all."""
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(source.watch(report), name=f"source-{source.name}") for source in sources]
        await stop.wait()
        for task in watching:
            task.cancel()
