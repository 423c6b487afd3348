"""Requests that bypass the framework's routing."""

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute

from api.fast_routes import FastRoutes


class Plain(APIRoute):
    """A route that needs no part of the framework."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(**request.path_params)
            return response

        return handle


router = APIRouter(route_class=Plain)


@router.get("/listings")
async def get_listings() -> Response:
    return Response(b"a page")


@router.post("/listings")
async def post_listings() -> Response:
    return Response(b"stored")


@router.get("/listings/{symbol}")
async def get_listing(symbol: str) -> Response:
    return Response(symbol.encode())


class Search:
    """Takes the place of the framework's own middlewares and routing."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(f"{scope['method']} {scope['path']}")
        await self.app(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path", "body", "searched"),
    [
        ("GET", "/listings", b"a page", False),
        ("GET", "/listings?limit=1", b"a page", False),
        ("POST", "/listings", b"stored", True),
        ("GET", "/listings/ABCUSDT", b"ABCUSDT", True),
    ],
)
async def test_only_what_is_read_at_a_fixed_path_is_answered_directly(
    method: str, path: str, body: bytes, *, searched: bool
) -> None:
    app = FastAPI()
    app.include_router(router)
    search = Search(app)

    transport = httpx.ASGITransport(FastRoutes(search, router.routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", verify=False) as client:
        answer = await client.request(method, path)

    assert answer.content == body
    assert bool(search.paths) is searched
