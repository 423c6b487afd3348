"""Enumerations of the contract, and the key of a listing."""

from enum import StrEnum
from typing import Annotated, NewType

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

ListingKey = NewType("ListingKey", str)
"""Shared by all sightings of one listing: ``ABCUSDT:1``, or ``test:ABCUSDT:1`` for an injected one."""


class Source(StrEnum):
    """Source of a sighting."""

    MEXC_WEBSOCKET = "mexc_websocket"
    MEXC_REST_API = "mexc_rest_api"
    TEST_INJECTION = "test_injection"


class Mode(StrEnum):
    """Whether orders move money."""

    DRY_RUN = "dry-run"
    LIVE = "live"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TradeStatus(StrEnum):
    FILLED = "filled"
    REJECTED = "rejected"
    FAILED = "failed"
    PENDING = "pending"


class HealthStatus(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    ERROR = "error"


def _source(value: object) -> Source:
    try:
        return Source(str(value))
    except ValueError:
        message = "source must be: mexc_websocket, mexc_rest_api, or test_injection"
        raise PydanticCustomError("contract_source", message) from None


KnownSource = Annotated[Source, BeforeValidator(_source)]
