"""Symbols that do not fit events: in the dead letters once, in health until they are acknowledged."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Never

import structlog

from ingest.catalogue import Sighting
from ingest.output.unplaced_store import UnplacedStore
from shared.bus.delivery import ATTEMPTS, ORIGINAL_EXCHANGE, ORIGINAL_ROUTING_KEY, QUEUE, REASON
from shared.bus.port import Message
from shared.errors import SniperError
from shared.events import RawListing
from shared.wire.cloudevents import CONTENT_TYPE
from shared.wire.topology import DEAD, RAW

log = structlog.get_logger(__name__)

NAME_LENGTH_MAX: Final = 100
NAMED_MAX: Final = 3
"""Names shown in health; the others are counted."""
LOOK_SECONDS: Final = 2.0


class UnplacedSymbols:
    def __init__(self, records: UnplacedStore | None = None) -> None:
        self._records = records
        self._known: dict[str, str | None] = {}
        self._pending: dict[str, str] = {}

    def is_stored(self, name: str) -> bool:
        return name in self._known

    def add(self, name: str, reason: str) -> bool:
        """Add *name* to the warnings; return whether it is new."""
        is_news = name not in self._known and name not in self._pending
        if is_news:
            self._pending[name] = reason
        return is_news

    async def store(self, name: str, reason: str) -> None:
        """Return once *name* is stored; raise TransientError while the database is away."""
        if self._records is not None:
            await self._records.store(name, reason)
        self._known[name] = self._pending.pop(name, reason)

    def warning(self) -> str:
        """Return the names that are not acknowledged yet; empty without any."""
        waiting = {name: reason for name, reason in self._known.items() if reason is not None} | self._pending
        if not waiting:
            return ""
        named = ", ".join(f"{name} ({reason})" for name, reason in list(waiting.items())[:NAMED_MAX])
        more = f" and {len(waiting) - NAMED_MAX} more" if len(waiting) > NAMED_MAX else ""
        return f"listed under a name without a place: {named}{more}; see sniper.dead, then `sniper acknowledge`"

    async def load(self) -> None:
        """Read the known names and their acknowledgements."""
        if self._records is not None:
            self._known |= await self._records.load()

    async def watch(self) -> Never:
        """Read acknowledgements at intervals, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.load()
            except SniperError as error:
                log.debug("not looked for what was acknowledged", reason=str(error))


@asynccontextmanager
async def tracking_unplaced(records: UnplacedStore) -> AsyncIterator[UnplacedSymbols]:
    """Lend the known names to the body, and read acknowledgements while it runs."""
    unplaced = UnplacedSymbols(records)
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(unplaced.watch(), name="ingest-unplaced")
        yield unplaced
        watching.cancel()


def printable(name: str) -> str:
    """Return *name* as it can be stored and shown: cut, without unprintable characters."""
    return "".join(each if each.isprintable() else "\ufffd" for each in name[:NAME_LENGTH_MAX])


def dead_letter(sighting: Sighting, event_id: str, reason: str) -> Message:
    """Return the dead letter of *sighting*, with the fields of a raw event."""
    record, seen_at = sighting.record, sighting.observed_at.isoformat()
    data = {
        "symbol": record.symbol,
        "base_asset": record.base_asset,
        "quote_asset": record.quote_asset,
        "source": sighting.source,
        "listed_at": seen_at,
        "opens_at": record.opens_at.isoformat() if record.opens_at else None,
        "observed_at": seen_at,
        "published_at": seen_at,
        "occurrence": record.occurrence,
        "late": sighting.late,
    }
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": RawListing.producer,
        "type": RawListing.event_type,
        "subject": printable(record.symbol),
        "time": seen_at,
        "datacontenttype": "application/json",
        "data": data,
    }
    routing_key = f"raw.{sighting.source}"
    return Message(
        exchange=DEAD.name,
        routing_key=routing_key,
        body=json.dumps(envelope).encode(),
        message_id=event_id,
        content_type=CONTENT_TYPE,
        headers={
            REASON: reason,
            QUEUE: "ingest",
            ATTEMPTS: "1",
            ORIGINAL_EXCHANGE: RAW.name,
            ORIGINAL_ROUTING_KEY: routing_key,
        },
    )
