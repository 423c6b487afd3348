"""Export of lists as CSV (RFC 4180), streamed a thousand rows at a time."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from api.reading.lists.filters import ListFilter
from api.reading.lists.pages import place_of
from api.reading.lists.statements import page_statement
from api.reading.lists.tables import PageTable
from api.reading.reader import Reader

MEDIA_TYPE: Final = "text/csv"
ROWS: Final = 1_000
"""Rows per batch; each batch is released once sent."""

_FORMULA_STARTS: Final = tuple("=+-@\t\r\n＝＋－＠")


async def export(reader: Reader, table: PageTable, wanted: ListFilter) -> AsyncIterator[bytes]:
    """Yield every *wanted* row of *table*, newest first, after a header line; raises TransientError."""
    head, after = _lines([[*table.columns, *table.derived]]), None
    while True:
        statement, arguments = page_statement(table, wanted, after, limit=ROWS)
        rows = await reader.fetch(statement, *arguments)
        values = ({**row, **{name: derive(row) for name, derive in table.derived.items()}} for row in rows)
        yield head + _lines(
            [[cell_text(value, is_text=name not in table.numbers) for name, value in each.items()] for each in values]
        )
        if len(rows) < ROWS:
            return
        head, after = b"", place_of(table, rows[-1])


def cell_text(value: Any, *, is_text: bool) -> str:
    """Return *value* as a cell; *is_text* if it can be a formula, as numbers cannot."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case str() if is_text:
            return escape_formula(value)
        case list():
            return ", ".join(value)
        case _:
            return str(value)


def escape_formula(text: str) -> str:
    """Return *text*, with a leading apostrophe if a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
