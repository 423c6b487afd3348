"""Parts of a running API that its routes share, and how a route gets at them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.reading.lists.pages import Pages
from api.reading.reader import Reader
from api.reading.summaries import Summaries
from api.streaming.hub import Hub
from shared.process.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Parts:
    """One of each for the whole application."""

    runtime: Runtime
    reader: Reader
    pages: Pages
    summaries: Summaries
    hub: Hub


def parts_of(runtime: Runtime) -> Parts:
    """Return the parts of an API that runs on *runtime*."""
    reader = Reader(runtime.database)
    return Parts(runtime, reader, Pages(reader), Summaries(runtime.database, reader), Hub())


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


Shared = Annotated[Parts, Depends(_parts)]
