"""Route of a halt, which is refused neither for the type of its body nor for the form of its reason."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message


class HaltRoute(APIRoute):
    """A POST whose body is read as JSON whatever its type says: curl's `-d` alone calls everything a form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of requests."""
        handle = super().get_route_handler()

        async def handle_as_json(request: Request) -> Response:
            body = readable(await request.body())

            async def receive() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            headers = [each for each in request.scope["headers"] if each[0] != b"content-type"]
            as_json = {**request.scope, "headers": [*headers, (b"content-type", b"application/json")]}
            return await handle(Request(as_json, receive))

        return handle_as_json


def readable(body: bytes) -> bytes:
    """Return *body* as a JSON object with a reason that is text; an empty one if it is none, or no JSON at all.

    What cannot be read halts purchases alone, even if more was meant: that much is meant by every halt.
    """
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError):
        return b"{}"
    if not isinstance(wanted, dict):
        return b"{}"
    reason = wanted.get("reason")
    if not isinstance(reason, str | None):
        wanted["reason"] = json.dumps(reason, ensure_ascii=False)
    return json.dumps(wanted).encode()
