"""The OpenAPI document as the API describes itself, without a server: for tests that must miss no operation."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from asyncpg import Pool

from api.app import create_app
from api.app_state import build_app_state
from api.settings import ApiSettings
from shared.postgres.database import Database
from shared.postgres.engine import EngineOnDemand
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from tests.support.fakes.fakes import RecordingBus

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
    """Return the OpenAPI document of the API as it is in this tree."""
    nowhere = Database(pool=cast("Pool", None), engines=cast("EngineOnDemand", None))
    runtime = Runtime(RecordingBus(), nowhere, Telemetry(), asyncio.Event())
    return create_app(build_app_state(runtime), ApiSettings()).openapi()


def operations_of(described: Mapping[str, Any]) -> Sequence[Operation]:
    """Return everything that *described* names."""
    return sorted(Operation(method.upper(), path) for path, methods in described["paths"].items() for method in methods)
