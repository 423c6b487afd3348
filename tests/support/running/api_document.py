"""The OpenAPI document as the API serves it, without a server: for tests that must miss no operation.

A test compares it with the code.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from api.openapi_file import FILE

READING = frozenset({"GET", "HEAD"})


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method not in READING


@cache
def document() -> Mapping[str, Any]:
    """Return the OpenAPI document of the API in this tree."""
    read: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return read


def operations_of(described: Mapping[str, Any]) -> Sequence[Operation]:
    """Return everything that *described* names."""
    return sorted(Operation(method.upper(), path) for path, methods in described["paths"].items() for method in methods)
