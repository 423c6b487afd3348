"""Lists as CSV (RFC 4180), read and sent a thousand rows at a time."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from api.reading.lists.filters import ListFilter
from api.reading.lists.pages import place_of
from api.reading.lists.statements import page_statement
from api.reading.lists.tables import PageTable
from api.reading.reader import Reader, Row

MEDIA_TYPE: Final = "text/csv"
ROWS: Final = 1_000
"""Read at a time; no row is held longer than it takes to send them."""

_FORMULA_STARTS: Final = tuple("=+-@\t\r\n＝＋－＠")


async def export(reader: Reader, table: PageTable, wanted: ListFilter) -> AsyncIterator[bytes]:
    """Yield every row of *table* that is *wanted*, newest first, below a line of names; raises TransientError."""
    head, after = _lines([[*table.columns, *table.derived]]), None
    while True:
        statement, arguments = page_statement(table, wanted, after, limit=ROWS)
        rows = await reader.fetch(statement, *arguments)
        yield head + _lines([_cells(table, row) for row in rows])
        if len(rows) < ROWS:
            return
        head, after = b"", place_of(table, rows[-1])


def _cells(table: PageTable, row: Row) -> list[str]:
    values = {**row, **{name: derive(row) for name, derive in table.derived.items()}}
    return [_cell(value, is_text=name not in table.numbers) for name, value in values.items()]


def _cell(value: Any, *, is_text: bool) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str() if is_text:
            return neutralised(value)
        case list():
            return ", ".join(value)
        case _:
            return str(value)


def neutralised(text: str) -> str:
    """Return *text*, behind an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
