"""History of decisions of all kinds, with author, time and request; newest first."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from api.reading.history_texts import HistoryKind, describe
from api.reading.lists import cursor
from api.reading.lists.cursor import Place
from api.reading.lists.filters import Cursor
from api.reading.reader import Reader, Row
from api.schemas import Answer

# Each part is read by an index, and numbers its entries uniquely across parts.
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
    """One recorded decision."""

    number: int
    kind: HistoryKind
    made_by: str
    """`token:NAME`, `cli:USER`, `telegram:ID`, `environment` for exits once set by it; `executor` or
    `executor: auto_trade_until` for decisions of the executor."""
    request_id: str | None
    """Of the API request that made it; null for other sources."""
    subject: str
    """A position, an order or a symbol; empty if there is none."""
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
    """Selection of a part of the history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    cursor: Annotated[Cursor | None, Field(description="`next` of the page before")] = None


async def read(reader: Reader, wanted: HistoryFilter) -> History:
    """Return a page of the history; raises TransientError."""
    # One extra row shows whether there are more.
    if wanted.cursor is None:
        rows = await reader.fetch(NEWEST, wanted.limit + 1)
    else:
        rows = await reader.fetch(OLDER, wanted.limit + 1, *cursor.decode(wanted.cursor))
    items = [_entry(row) for row in rows[: wanted.limit]]
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    following = None if last is None else cursor.encode(Place(last["created_at"], last["number"]))
    return History(items=items, next=following)


def _entry(row: Row) -> HistoryEntry:
    text = describe(row["record"], row["subject"], row["before"], row["after"])
    shown = row["record"] in {"config", "exits"} and row["before"] is not None
    return HistoryEntry(
        number=row["number"],
        kind=text.kind,
        made_by=row["made_by"],
        request_id=row["request_id"],
        subject=row["subject"],
        words=text.words,
        before=row["before"] if shown else None,
        after=row["after"] if shown else None,
        created_at=row["created_at"],
    )
