"""The history: who decided what and when, of all kinds, and by which request; newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from api.reading import history_words
from api.reading.history_words import HistoryKind, Told
from api.reading.lists import cursor
from api.reading.lists.cursor import Place
from api.reading.lists.filters import Cursor
from api.reading.reader import Reader, Row
from api.schemas import Answer

# Each part is read off an index, and numbers entries so that no two parts give out the same number.
_PARTS: Final = (
    """
    SELECT 'config' AS record, 8 * id AS number, created_at, changed_by AS made_by, request_id,
        '' AS subject, before, after
    FROM trade_config_audit
    """,
    """
    SELECT 'exits', 8 * id + 1, created_at, changed_by, request_id,
        listing_key || ' (' || mode || ')', before, after
    FROM position_exits
    """,
    """
    SELECT 'switch', 8 * id + 2, created_at, changed_by, request_id,
        '', NULL::jsonb, jsonb_build_object('paused', paused, 'reason', reason)
    FROM monitor_switches
    """,
    """
    SELECT 'latch', 8 * id + 3, created_at, 'executor', NULL,
        '', NULL::jsonb, jsonb_build_object('cause', cause, 'mode', mode, 'reason', reason)
    FROM halts
    """,
    """
    SELECT kind, 8 * id + 4, created_at, made_by, request_id,
        subject, NULL::jsonb, details
    FROM operator_actions
    """,
)


def _statement(narrowed: Sequence[str]) -> str:
    parts = (
        f"({part} {where} ORDER BY created_at DESC, id DESC LIMIT $1)"
        for part, where in zip(_PARTS, narrowed, strict=True)
    )
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS entries ORDER BY created_at DESC, number DESC LIMIT $1"  # noqa: S608 - constants


NEWEST: Final = _statement([""] * len(_PARTS))
OLDER: Final = _statement(
    [
        f"WHERE created_at <= $2::timestamptz AND (created_at, 8 * id + {offset}) < ($2, $3::bigint)"
        for offset in range(len(_PARTS))
    ]
)


class HistoryEntry(Answer):
    """One decision, as it was recorded."""

    number: int
    kind: HistoryKind
    made_by: str
    """`token:NAME`, `cli:USER`, `telegram:ID`, `environment` for exits that were set by it once; `executor` or
    `executor: auto_trade_until` for what the executor did by itself."""
    request_id: str | None
    """Of the request that made it; null where it was none of the API's."""
    subject: str
    """A position, an order or a symbol; empty where it is about none."""
    words: str
    before: dict[str, JsonValue] | None
    """The configuration, or the position's own exits; null for other kinds."""
    after: dict[str, JsonValue] | None
    created_at: AwareDatetime


class History(Answer):
    """Decisions, newest first."""

    items: list[HistoryEntry]
    next: str | None
    """The cursor of the next page; null at the end."""


class HistoryFilter(BaseModel):
    """Which part of the history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: Annotated[Cursor | None, Field(description="`next` of the page before")] = None


async def read(reader: Reader, wanted: HistoryFilter) -> History:
    """Return a page of the history; raises TransientError."""
    # One row more tells whether there are others.
    if wanted.cursor is None:
        rows = await reader.fetch(NEWEST, wanted.limit + 1)
    else:
        rows = await reader.fetch(OLDER, wanted.limit + 1, *cursor.decode(wanted.cursor))
    items = [_entry(row) for row in rows[: wanted.limit]]
    last = cursor.encode(_place(rows[wanted.limit - 1])) if len(rows) > wanted.limit else None
    return History(items=items, next=last)


def _place(row: Row) -> Place:
    at: datetime = row["created_at"]
    return Place(at, row["number"])


def _entry(row: Row) -> HistoryEntry:
    told = _told(row)
    shown = row["record"] in {"config", "exits"} and row["before"] is not None
    return HistoryEntry(
        number=row["number"],
        kind=told.kind,
        made_by=row["made_by"],
        request_id=row["request_id"],
        subject=row["subject"],
        words=told.words,
        before=row["before"] if shown else None,
        after=row["after"] if shown else None,
        created_at=row["created_at"],
    )


def _told(row: Row) -> Told:
    before, after = row["before"], row["after"]
    match row["record"]:
        case "config":
            return history_words.of_config(before, after)
        case "exits" if before is not None:
            return history_words.of_exits(row["subject"], before, after)
        case "switch":
            return history_words.of_switch(paused=after["paused"], reason=after["reason"])
        case "latch":
            return history_words.of_latch(after["cause"], after["mode"], after["reason"])
        case kind:
            return history_words.of_action(kind, row["subject"], after)
