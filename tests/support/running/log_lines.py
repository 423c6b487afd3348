"""Log lines of the code under test: those of an order or a position name the listing and its event."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

ABOUT: Final = frozenset({"order", "position"})
"""The keys by which a line is one of a listing's way."""
NAMED: Final = frozenset({"listing", "event_id"})


@contextmanager
def naming_their_listings() -> Iterator[None]:
    """Fail at the end of the block where a line within was about an order or a position and named no listing."""
    before = structlog.get_config()
    nameless: list[MutableMapping[str, Any]] = []

    def check(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if ABOUT & line.keys() and not line.keys() >= NAMED:
            nameless.append(dict(line))
        return line

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, check, *before["processors"]])
    try:
        yield
    finally:
        structlog.configure(**before)
    assert nameless == []
