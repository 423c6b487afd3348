"""Route that validates its query as a whole: the framework takes each parameter apart, which costs more than a page."""

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, Final, get_type_hints

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from api.access.dependencies import view
from api.reading.lists.filters import PageFilter

QUERY_BYTES_MAX: Final = 512
"""Longer queries are read anew each time: remembering is for those that pages of ours ask."""


class ListRoute(APIRoute):
    """A GET that calls its endpoint with the parts, the request and the filter that the query spells.

    The signature of the endpoint is what the OpenAPI document shows.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint, model = self.endpoint, get_type_hints(self.endpoint)["wanted"]

        async def handle(request: Request) -> Response:
            await view(request)
            # Most requests ask what another one asked before.
            query = request.scope["query_string"]
            wanted = _remembered(model, query) if len(query) <= QUERY_BYTES_MAX else _filter_of(model, query)
            response: Response = await endpoint(request.app.state.parts, request, wanted)
            return response

        return handle


def _filter_of(model: type[PageFilter], query: bytes) -> PageFilter:
    """Return the filter; raise RequestValidationError naming the parameter that does not fit."""
    try:
        return model.model_validate(dict(QueryParams(query)))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("query", *each["loc"])} for each in found]) from None


_remembered: Final = lru_cache(maxsize=256)(_filter_of)
