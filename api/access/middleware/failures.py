"""Responses to errors raised in middlewares and routes, in the common form."""

from asyncio import CancelledError

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import error_handlers
from api.error_handlers import ApiError
from shared.errors import TransientError

log = structlog.get_logger()


class ErrorResponses:
    """ASGI middleware that answers an exception, unless a response has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def note_start(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, note_start)
        except BaseException as error:
            if has_begun:
                raise  # The server cuts the connection, so that a partial response is not taken for a whole one.
            await error_handlers.response_of(api_error_of(error, scope["path"]))(scope, receive, send)
            if not isinstance(error, Exception):
                raise


def api_error_of(error: BaseException, path: str) -> ApiError:
    """Return *error* as the client sees it, and log one that is no ApiError; the request was for *path*."""
    match error:
        case ApiError():
            return error
        case TransientError():
            log.warning("database away", path=path, reason=str(error))
            return error_handlers.database_unavailable()
        case CancelledError():
            return ApiError(503, "stopping", "the API is ending", headers={"Connection": "close"})
        case _:
            log.error("request failed", path=path, exc_info=error)
            return error_handlers.internal_error()
