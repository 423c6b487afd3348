"""Pages as JSON, read and encoded once for concurrent requests of the same page."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from api.reading.coalescing import CoalescedReads
from api.reading.lists import cursor
from api.reading.lists.cursor import Place
from api.reading.lists.filters import PageFilter
from api.reading.lists.statements import page_statement
from api.reading.lists.tables import PageTable
from api.reading.reader import Reader, Row
from api.schemas import Answer, Page

Model = TypeVar("Model", bound=Answer)

_ENCODE: Final = msgspec.json.Encoder().encode


class Pages:
    """Reads pages of the lists."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._coalesced = CoalescedReads[bytes]()

    async def page(self, table: PageTable, wanted: PageFilter) -> bytes:
        """Return a page, as `api.schemas.base.Page` encoded; raises TransientError."""
        return await self._coalesced.get((table.name, wanted), lambda: self._read(table, wanted))

    async def rows(self, table: PageTable, model: type[Model], wanted: PageFilter) -> Page[Model]:
        """Return the page as models; raises TransientError."""
        return Page[model].model_validate_json(await self.page(table, wanted))  # type: ignore[valid-type]

    async def _read(self, table: PageTable, wanted: PageFilter) -> bytes:
        # One extra row shows whether there are more.
        statement, arguments = page_statement(
            table, wanted, wanted.place(), limit=wanted.limit + 1, offset=wanted.offset
        )
        return encode_page(table, await self._reader.fetch(statement, *arguments), wanted)


def encode_page(table: PageTable, rows: Sequence[Row], wanted: PageFilter) -> bytes:
    """Encode *rows*, which may hold one extra, as a page."""
    shown, has_more = rows[: wanted.limit], len(rows) > wanted.limit
    return _ENCODE(
        {
            "items": [as_item(table, row) for row in shown],
            "limit": wanted.limit,
            "offset": wanted.offset,
            "count": len(shown),
            "has_more": has_more,
            "next": cursor.encode(place_of(table, shown[-1])) if has_more else None,
        }
    )


def as_item(table: PageTable, row: Row) -> dict[str, Any]:
    """Return *row* ready to encode: times in UTC, numbers as text, JSON as stored."""
    item = dict(row)
    for name in table.json:
        if item[name] is not None:
            item[name] = msgspec.Raw(item[name].encode())
    for name, derive in table.derived.items():
        item[name] = derive(row)
    return item


def models_of(table: PageTable, rows: Iterable[Row], model: type[Model]) -> list[Model]:
    """Return *rows* as models, for computations."""
    return [model.model_validate_json(_ENCODE(as_item(table, each))) for each in rows]


def place_of(table: PageTable, row: Row) -> Place:
    """Return the place of *row* in the list."""
    return Place(row[table.at_field], row["id"])
