"""States published beside the events: health, status, and held positions. Each replaces its predecessor."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from api.reading import status
from api.reading.lists.pages import as_item
from api.reading.lists.tables import POSITIONS
from api.reading.reader import Reader, Row
from api.reading.statistics import results
from api.schemas import Health
from api.streaming.frames import frame
from api.streaming.hub import Hub
from shared.postgres.database import Database
from shared.states import HELD as POSITIONS_HELD
from shared.states import in_sql

EVERY_SECONDS: Final = 5.0
"""An unchanged state is published again after this time, as ages in it have changed."""
HELD_MAX: Final = 500

_SELECTED: Final = ", ".join(f"{sql} AS {name}" for name, sql in POSITIONS.columns.items())
HELD: Final = f"""
    SELECT {_SELECTED} FROM {POSITIONS.tables}
    WHERE positions.state IN {in_sql(POSITIONS_HELD)}
    ORDER BY positions.opened_at, positions.id LIMIT {HELD_MAX}
"""  # noqa: S608 - constant names only


class States:
    """Reads the states, and publishes those that changed or are due."""

    def __init__(self, database: Database, reader: Reader, hub: Hub) -> None:
        self._database = database
        self._reader = reader
        self._hub = hub
        self._shown: dict[str, object] = {}
        self._due = 0.0

    def reset(self) -> None:
        """Publish everything again at the next refresh."""
        self._shown.clear()
        self._hub.forget_states()

    async def refresh(self) -> None:
        """Read the states, and publish changes; raises TransientError."""
        now = asyncio.get_running_loop().time()
        if now >= self._due:
            self._shown.clear()
            self._due = now + EVERY_SECONDS
        current, found = await status.read(self._database, self._reader)
        self._show("health", without_ages(found), lambda: found.model_dump_json().encode())
        lasting = current.model_copy(update={"now": None, "exchange_now": None})
        self._show("status", lasting, lambda: current.model_dump_json().encode())
        rows, worth = await self._reader.fetch(HELD), results.reported_worth(found.components)
        held = msgspec.json.encode(held_items(rows, worth, results.reported_at(found.components)))
        self._show("held", held, lambda: held)

    def _show(self, name: str, lasting: object, data: Callable[[], bytes]) -> None:
        """Publish a state if its *lasting* part has changed."""
        if self._shown.get(name) != lasting or not self._hub.is_shown(name):
            self._shown[name] = lasting
            self._hub.show(name, frame(name, data()))


def held_items(rows: Iterable[Row], worth: Mapping[str, Decimal], at: datetime | None) -> list[dict[str, Any]]:
    """Return positions with their current worth, and the time *at* which it was reported; null if unknown."""
    items = []
    for row in rows:
        brings = worth.get(results.name_of(row))
        usdt, known_at = (None, None) if brings is None else (f"{brings:f}", at)
        items.append(as_item(POSITIONS, row) | {"worth_usdt": usdt, "worth_at": known_at})
    return items


def without_ages(found: Health) -> object:
    """Return the part of the health without ages."""
    components = [(each.component_name, each.status, each.detail) for each in found.components]
    latest = None if found.latest_listing is None else found.latest_listing.symbol
    return found.status, components, [feed.trouble for feed in found.feeds], latest
