"""A client of the event stream, as a browser is one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.waiting import eventually


@dataclass(frozen=True, slots=True)
class StreamEvent:
    kind: str
    data: Any
    id: int | None
    raw: str


@dataclass(slots=True)
class EventClient:
    """All that has come so far."""

    events: list[StreamEvent] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def last_id(self) -> str:
        """What a browser would say when it comes back."""
        return str(next(event.id for event in reversed(self.events) if event.id is not None))

    def of(self, *kinds: str) -> list[StreamEvent]:
        return [event for event in self.events if event.kind in kinds]

    def data_of(self, kind: str) -> list[Any]:
        return [event.data for event in self.of(kind)]

    async def until(self, check: Callable[[], Any], within_seconds: float = 5) -> Any:
        return await eventually(check, within_seconds=within_seconds)

    async def first(self, kind: str, within_seconds: float = 5) -> Any:
        """Return the data of the first event of *kind*, once it has come."""
        await eventually(lambda: self.of(kind), within_seconds=within_seconds)
        return self.of(kind)[0].data

    async def read(self, response: httpx.Response) -> None:
        text = ""
        try:
            async for chunk in response.aiter_text():
                text += chunk
                *whole, text = text.split("\n\n")
                self.events.extend(event for block in whole if (event := _event(block)) is not None)
        except httpx.HTTPError:
            pass  # The server went away, as a browser finds out too.
        finally:
            self.ended.set()


@asynccontextmanager
async def listening(client: httpx.AsyncClient, **headers: str) -> AsyncIterator[EventClient]:
    """Listen to the stream for the time of the block."""
    async with client.stream("GET", "/events", headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        listener = EventClient()
        reading = asyncio.create_task(listener.read(response))
        try:
            yield listener
        finally:
            reading.cancel()
            await asyncio.wait([reading])


def _event(block: str) -> StreamEvent | None:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    if "event" not in fields:
        return None
    position = int(fields["id"]) if "id" in fields else None
    return StreamEvent(fields["event"], json.loads(fields["data"]), position, block)
