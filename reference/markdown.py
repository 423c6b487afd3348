"""Markdown elements: tables, code spans and pages."""

import re
from collections.abc import Iterable, Iterator, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield _row(head)
    yield _row(["---"] * len(head))
    for row in rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell_text(each) for each in cells) + " |"


def cell_text(text: str) -> str:
    """Return *text* on one line, with escapes for a table cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def code(text: str) -> str:
    """Return *text* as a code span; empty where it is empty."""
    return f"`{text}`" if text else ""


def page(title: str, *parts: Iterable[str]) -> str:
    """Return a whole page."""
    return "\n".join([f"# {title}", "", *(line for part in parts for line in [*part, ""])]).rstrip() + "\n"
