"""Audit of trade_config: changes with author, time, and values before and after."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import AwareDatetime, JsonValue

from api.schemas import Answer
from shared.postgres.database import Database

HISTORY: Final = """
    SELECT id, changed_by, request_id, before, after, created_at FROM trade_config_audit
    WHERE ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $1
"""


class ConfigChange(Answer):
    """One recorded change."""

    id: int
    changed_by: str
    request_id: str | None
    """Of the API request that made it; null for other sources."""
    before: dict[str, JsonValue]
    after: dict[str, JsonValue]
    created_at: AwareDatetime

    def changed(self) -> Mapping[str, tuple[JsonValue, JsonValue]]:
        """Return each changed field, before and after; none if only the executor's halts were lifted."""
        names = {**self.before, **self.after}
        pairs = {name: (self.before.get(name), self.after.get(name)) for name in names}
        return {name: (before, after) for name, (before, after) in pairs.items() if before != after}


class ConfigHistory(Answer):
    """Changes of the configuration, newest first."""

    items: list[ConfigChange]
    next: int | None
    """`before` of the next page; null at the end."""


def page_of(rows: Sequence[Mapping[str, Any]], limit: int) -> ConfigHistory:
    """Return the page of *rows*, which were read with one more than *limit*."""
    items = [ConfigChange.model_validate(dict(row)) for row in rows[:limit]]
    return ConfigHistory(items=items, next=items[-1].id if len(rows) > limit else None)


async def newest(database: Database, *, limit: int, before: int | None = None) -> ConfigHistory:
    """Return at most *limit* changes, those with a lower number than *before*."""
    async with database.connection() as connection:
        rows = await connection.fetch(HISTORY, limit + 1, before)
    return page_of([dict(row) for row in rows], limit)
