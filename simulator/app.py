"""The exchange as one ASGI application: REST on /api, the websocket on /ws, control on /_sim."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from uvicorn.server import ServerState

from simulator.exchange import Exchange
from simulator.rest.control import Control, answer_invalid
from simulator.rest.delivery import deliver, wait_until_disarmed
from simulator.rest.endpoints import ENDPOINTS, Endpoint
from simulator.rest.fault_requests import InvalidFieldError
from simulator.rest.request_pipeline import RawRequest, admit, log_answer, respond
from simulator.state_file import StateError
from simulator.stream.hub import Hub


def build_app(exchange: Exchange, hub: Hub, connections: ServerState, stop: asyncio.Event) -> Starlette:
    def serve(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            admitted = admit(exchange, endpoint, await _call(request))
            await wait_until_disarmed(admitted.holds_before_handling, stop)
            reply = respond(exchange, admitted)
            exchange.save()
            hub.push_account()
            await wait_until_disarmed(admitted.holds_before_answer, stop)
            log_answer(admitted, reply)
            return await deliver(reply, request, connections, stop, exchange.server_ms)

        return answer

    return Starlette(
        routes=[
            *(Route(each.path, serve(each), methods=[each.method]) for each in ENDPOINTS),
            WebSocketRoute("/ws", hub.serve),
            Mount("/_sim", routes=Control(exchange, hub).routes()),
        ],
        exception_handlers={
            InvalidFieldError: answer_invalid,
            ValidationError: answer_invalid,
            StateError: answer_unsaved,
        },
    )


async def answer_unsaved(_: Request, error: Exception) -> Response:
    """Answer 500 for a request whose effects could not be saved: its outcome is unknown to the client."""
    return JSONResponse({"code": 500, "msg": str(error)}, 500)


async def _call(request: Request) -> RawRequest:
    received_ns = time.time_ns()
    return RawRequest(
        received_ns=received_ns,
        query=request.url.query,
        body=(await request.body()).decode(errors="replace"),
        api_key=request.headers.get("x-mexc-apikey"),
        content_type=request.headers.get("content-type"),
        address=request.client.host if request.client else "",
    )
