"""SQL of pages: one text per combination of filters, so that the server prepares it once. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from api.reading.lists.cursor import Place
from api.reading.lists.filters import ListFilter
from api.reading.lists.tables import PageTable

_BOUNDS: Final = {"since": ">=", "until": "<"}


def page_statement(
    table: PageTable, wanted: ListFilter, after: Place | None, *, limit: int, offset: int = 0
) -> tuple[str, list[Any]]:
    """Return the statement and its arguments for *limit* rows of *table* after the place *after*."""
    columns, times = wanted.columns(), wanted.times()
    arguments: list[Any] = [*columns.values(), *times.values(), *(after or ()), limit]
    text = _text(table, tuple(columns), tuple(times), after=after is not None, offset=bool(offset))
    return text, [*arguments, offset] if offset else arguments


def where(table: PageTable, columns: Iterable[str], times: Iterable[str], *, after: bool) -> tuple[list[str], int]:
    """Return the conditions, with arguments numbered from 1, and the number of arguments."""
    conditions = [f"{table.filters[name]} = " for name in columns]
    conditions += [f"{table.at} {_BOUNDS[name]} " for name in times]
    numbered = [f"{condition}${number}" for number, condition in enumerate(conditions, 1)]
    count = len(numbered)
    if after:
        numbered.append(f"({table.at}, {table.id}) < (${count + 1}, ${count + 2})")
        count += 2
    return numbered, count


@lru_cache(maxsize=1024)
def _text(table: PageTable, columns: tuple[str, ...], times: tuple[str, ...], *, after: bool, offset: bool) -> str:
    conditions, count = where(table, columns, times, after=after)
    if table.always:
        conditions.append(table.always)
    selected = ", ".join(f"{sql} AS {name}" for name, sql in table.columns.items())
    narrowed = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    ordered = f" ORDER BY {table.at} DESC, {table.id} DESC LIMIT ${count + 1}"
    skipped = f" OFFSET ${count + 2}" if offset else ""
    return f"SELECT {selected} FROM {table.tables}{narrowed}{ordered}{skipped}"  # noqa: S608 - constant names only
