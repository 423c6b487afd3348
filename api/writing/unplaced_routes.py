"""Routes of symbols that no event has a place for: see them, and say that a person knows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.access.dependencies import operate, view
from api.access.middleware.request_id import request_id
from api.access.principal import Principal
from api.operator import unplaced
from api.operator.unplaced import UnplacedSymbol
from api.parts import Shared
from api.schemas import Answer
from api.writing.bodies import Body

router = APIRouter(tags=["operating"])

NAMES_MAX = 1_000
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$", examples=["A-NAME-WITHOUT-A-PLACE"])]


class UnplacedSymbols(Answer):
    """Names without a place, newest first."""

    items: list[UnplacedSymbol]


class AcknowledgeBody(Body):
    """Which of them a person has seen."""

    symbols: Annotated[list[Name], Field(max_length=NAMES_MAX)] | None = None
    """Those that were shown; left out: all that there are."""


@router.get("/unplaced", dependencies=[Depends(view)])
async def get_unplaced(
    parts: Shared,
    *,
    limit: Annotated[int, Query(ge=1, le=NAMES_MAX)] = 50,
    waiting: Annotated[bool, Query(description="Those alone that nobody has acknowledged")] = True,
) -> UnplacedSymbols:
    """List what the exchange lists under names that no event has a place for."""
    found = await unplaced.newest(parts.runtime.database, limit=limit, waiting=waiting)
    return UnplacedSymbols(items=list(found))


@router.post("/unplaced/acknowledge")
async def post_acknowledge(
    parts: Shared,
    principal: Annotated[Principal, Depends(operate)],
    request: Annotated[str, Depends(request_id)],
    body: AcknowledgeBody,
) -> UnplacedSymbols:
    """Say that you have seen them, and let ingest's health be well again; answers what nobody had acknowledged."""
    found = await unplaced.acknowledge(
        parts.runtime.database, by=principal.audit_name, request_id=request, symbols=body.symbols
    )
    return UnplacedSymbols(items=list(found))
