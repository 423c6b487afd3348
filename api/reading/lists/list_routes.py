"""Routes of the lists: pages as JSON, or the whole list as CSV if the client prefers it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from api.access.dependencies import view
from api.app_state import AppState, SharedState
from api.error_handlers import ApiError
from api.reading.lists import export, tables
from api.reading.lists.filters import (
    ClosedFilter,
    ListingsFilter,
    OrdersFilter,
    PageFilter,
    PositionsFilter,
    TradesFilter,
    page_parameters,
)
from api.reading.lists.list_route import ListRoute
from api.reading.lists.negotiation import JSON, prefers_csv
from api.reading.lists.tables import PageTable
from api.schemas import ListingRow, OrderRow, Page, PositionRow, TradeRow

router = APIRouter(dependencies=[Depends(view)], tags=["lists"], route_class=ListRoute)

_VARY: Final = {"Vary": "Accept"}
_CSV: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {export.MEDIA_TYPE: {"schema": {"type": "string"}, "example": "id,symbol\r\n2,ABCUSDT\r\n"}}}
}


@router.get("/listings", response_model=Page[ListingRow], responses=_CSV)
async def get_listings(state: SharedState, request: Request, wanted: Annotated[ListingsFilter, Query()]) -> Response:
    """List listings, newest first. `Accept: text/csv` returns all selected rows, without pages."""
    return await _list(state, request, tables.LISTINGS, wanted)


@router.get("/trades", response_model=Page[TradeRow], responses=_CSV)
async def get_trades(state: SharedState, request: Request, wanted: Annotated[TradesFilter, Query()]) -> Response:
    """List trades, newest first: one per order, in its current state. `Accept: text/csv` returns all selected rows."""
    return await _list(state, request, tables.TRADES, wanted)


@router.get("/orders", response_model=Page[OrderRow], responses=_CSV)
async def get_orders(state: SharedState, request: Request, wanted: Annotated[OrdersFilter, Query()]) -> Response:
    """List orders of the executor's journal, newest first. `Accept: text/csv` returns all selected rows."""
    return await _list(state, request, tables.ORDERS, wanted)


@router.get("/positions", response_model=Page[PositionRow], responses=_CSV)
async def get_positions(state: SharedState, request: Request, wanted: Annotated[PositionsFilter, Query()]) -> Response:
    """List positions, the last opened first. `Accept: text/csv` returns all selected rows."""
    return await _list(state, request, tables.POSITIONS, wanted)


@router.get("/positions/closed", response_model=Page[PositionRow], responses=_CSV)
async def get_closed(state: SharedState, request: Request, wanted: Annotated[ClosedFilter, Query()]) -> Response:
    """List positions that were sold or written off, the last first; `since` and `until` are of that time.

    `Accept: text/csv` returns all selected rows.
    """
    return await _list(state, request, tables.CLOSED, wanted)


async def _list(state: AppState, request: Request, table: PageTable, wanted: PageFilter) -> Response:
    if wanted.format == "csv" or (wanted.format is None and prefers_csv(request.headers.get("accept"))):
        return await _exported(state, table, wanted)
    return Response(await state.pages.page(table, wanted), media_type=JSON, headers=_VARY)


async def _exported(state: AppState, table: PageTable, wanted: PageFilter) -> Response:
    """Return the whole list; the first rows are read before the response begins, so that a database error is a 503."""
    if of_page := page_parameters(wanted):
        message = "not with CSV, which has every row: narrow it by since and until"
        fields: list[Any] = [{"field": name, "message": message} for name in of_page]
        raise ApiError(422, "invalid", f"{next(iter(of_page))}: {message}", details={"fields": fields})
    chunks = export.export(state.reader, table, wanted)
    headers = _VARY | {"Content-Disposition": f'attachment; filename="{table.name}.csv"'}
    media_type = f"{export.MEDIA_TYPE}; charset=utf-8; header=present"
    return StreamingResponse(_begun(await anext(chunks), chunks), media_type=media_type, headers=headers)


async def _begun(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in others:
        yield chunk
