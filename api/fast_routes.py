"""Fast path for frequently requested routes, found by their path alone, past the framework's routing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from api import error_handlers

Handle = Callable[[Request], Awaitable[Response]]


class _Direct(NamedTuple):
    route: APIRoute
    handle: Handle


class FastRoutes:
    """ASGI middleware that calls the handler of a route whose path equals the request's.

    It is the innermost, so it skips only the framework's routing, exit stack and exception handlers; errors that
    `error_handlers.install` handles are answered here, or by `ErrorResponses`.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._by_path: Final[Mapping[str, _Direct]] = {
            route.path: _Direct(route, route.get_route_handler())
            for route in routes
            if isinstance(route, APIRoute) and route.methods == {"GET"} and not route.param_convertors
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._by_path.get(scope["path"]) if scope["method"] == "GET" else None
        if direct is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = direct.route
        try:
            response = await direct.handle(Request(scope, receive, send))
        except RequestValidationError as error:
            response = error_handlers.response_of(error_handlers.validation_error(error))
        await response(scope, receive, send)
