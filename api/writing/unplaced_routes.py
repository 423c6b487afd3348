"""Routes of unplaced symbols, whose names fit no event: list and acknowledge them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.access.dependencies import operate, view
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.app_state import SharedState
from api.operator import unplaced_symbols
from api.operator.unplaced_symbols import UnplacedSymbol
from api.schemas import Answer
from api.writing.bodies import Body

router = APIRouter(tags=["operating"])

NAMES_MAX = 1_000
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$", examples=["A-NAME-WITHOUT-A-PLACE"])]


class UnplacedSymbols(Answer):
    """Unplaced symbols, newest first."""

    items: list[UnplacedSymbol]


class AcknowledgeBody(Body):
    """Symbols to acknowledge."""

    symbols: Annotated[list[Name], Field(max_length=NAMES_MAX)] | None = None
    """Omitted: all of them."""


@router.get("/unplaced", dependencies=[Depends(view)])
async def get_unplaced(
    state: SharedState,
    *,
    limit: Annotated[int, Query(ge=1, le=NAMES_MAX)] = 50,
    waiting: Annotated[bool, Query(description="Only unacknowledged ones")] = True,
) -> UnplacedSymbols:
    """List symbols that the exchange lists under names that fit no event."""
    found = await unplaced_symbols.newest(state.runtime.database, limit=limit, waiting=waiting)
    return UnplacedSymbols(items=list(found))


@router.post("/unplaced/acknowledge")
async def post_acknowledge(
    state: SharedState,
    principal: Annotated[Principal, Depends(operate)],
    request: Annotated[str, Depends(request_id)],
    body: AcknowledgeBody,
) -> UnplacedSymbols:
    """Acknowledge unplaced symbols, which restores ingest's health; answers those not acknowledged before."""
    found = await unplaced_symbols.acknowledge(
        state.runtime.database, by=principal.audit_name, request_id=request, symbols=body.symbols
    )
    return UnplacedSymbols(items=list(found))
