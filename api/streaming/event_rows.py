"""Rows of logged events, as JSON frames."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import structlog

from api.reading.lists.pages import as_item
from api.reading.lists.tables import LISTINGS, POSITIONS, TRADES, PageTable
from api.reading.reader import Row
from api.streaming import event_log
from api.streaming.event_log import LoggedEvent, latest_of_each
from api.streaming.frames import frame_of
from shared.errors import in_a_line
from shared.postgres.database import Connection

log = structlog.get_logger()

HALTS: Final = "SELECT id, cause, mode, reason, created_at FROM halts WHERE id = ANY($1)"
CHANGES: Final = """
    SELECT id, changed_by, before::text AS before, after::text AS after, created_at
    FROM trade_config_audit WHERE id = ANY($1)
"""


def _of_table(table: PageTable) -> str:
    selected = ", ".join(f"{sql} AS {name}" for name, sql in table.columns.items())
    return f"SELECT {selected} FROM {table.tables} WHERE {table.id} = ANY($1)"  # noqa: S608 - constant names only


ROWS: Final[Mapping[str, str]] = {
    "listing": _of_table(LISTINGS),
    "trade": _of_table(TRADES),
    "position": _of_table(POSITIONS),
    "halt": HALTS,
    "config": CHANGES,
}
_TABLES: Final = {"listing": LISTINGS, "trade": TRADES, "position": POSITIONS}
RESUMED_MAX: Final = 1_000
"""More events than that are faster read from the lists."""


async def missed_frames(connection: Connection, position: int, up_to: int) -> bytes:
    """Return the events after *position*; a reset instead if they are too many or pruned."""
    if not await event_log.is_kept(connection, position):
        return frame_of("reset", {"reason": "these events are not kept any more"})
    events = await event_log.after(connection, position, up_to=up_to, limit=RESUMED_MAX + 1)
    if len(events) > RESUMED_MAX:
        return frame_of("reset", {"reason": f"more than {RESUMED_MAX} events were missed"})
    return b"".join(await event_frames(connection, events))


async def event_frames(connection: Connection, events: Sequence[LoggedEvent]) -> list[bytes]:
    """Return a frame for each row of *events*, in their order."""
    latest = latest_of_each(events)
    ids: defaultdict[str, list[int]] = defaultdict(list)
    for event in latest:
        ids[event.kind].append(event.row_id)
    rows: dict[tuple[str, int], Row] = {}
    for kind, wanted in ids.items():
        rows |= {(kind, row["id"]): dict(row) for row in await connection.fetch(ROWS[kind], wanted)}
    return [made for event in latest if (made := event_frame(event, rows.get((event.kind, event.row_id)))) is not None]


def event_frame(event: LoggedEvent, row: Row | None) -> bytes | None:
    """Return the frame of one event; None if its row is gone or cannot be encoded, which does not affect others."""
    if row is None:
        return None
    try:
        table = _TABLES.get(event.kind)
        item = dict(row) if table is None else as_item(table, row)
        if table is None:
            item |= {name: msgspec.Raw(item[name].encode()) for name in ("before", "after") if name in item}
        return frame_of(event.kind, item, event.position)
    except Exception as error:  # noqa: BLE001 - any error of one row
        log.warning("an event cannot be encoded", kind=event.kind, row_id=event.row_id, reason=in_a_line(error))
        return None
