"""Error responses in one form, ``{"code", "message", "details"}``, without internal details."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.schemas import Problem
from shared.errors import SniperError
from shared.process.redaction import hidden_by_form

RETRY_AFTER_SECONDS: Final = 5
CODES: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        400: ("bad_request", "the request cannot be read"),
        404: ("not_found", "there is nothing at this path"),
        405: ("method_not_allowed", "this path does not know the method"),
    }
)
"""Code and message of errors that the framework raises."""


class ApiError(SniperError):
    """A request is refused, with the status, code and message of the response."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, JsonValue] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def install(app: FastAPI) -> None:
    """Handle errors raised in routes of *app*; `api.access.middleware.failures` handles all others."""
    for kind in (ApiError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _handle)


def response_of(error: ApiError) -> Response:
    """Return the response to *error*."""
    shown = Problem(code=error.code, message=str(error), details=error.details)
    # Field names come from the caller, and may be a token by mistake.
    text = hidden_by_form(json.dumps(shown.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")))
    # JSON can contain lone surrogates, which cannot be encoded.
    body = text.encode(errors="replace")
    return Response(body, status_code=error.status, headers=error.headers, media_type="application/json")


def invalid_fields(errors: Sequence[tuple[str, str]]) -> ApiError:
    """Return the refusal (422) of a request with these fields and messages."""
    fields: list[JsonValue] = [{"field": field, "message": message} for field, message in errors]
    message = "; ".join(f"{field}: {message}" for field, message in errors)
    return ApiError(422, "invalid", message, details={"fields": fields})


def validation_error(error: RequestValidationError) -> ApiError:
    """Return the refusal (422) of a request that the framework found invalid."""
    return invalid_fields([_named(each["loc"], str(each["msg"])) for each in error.errors()])


def database_unavailable() -> ApiError:
    """Return the refusal (503) of a request that needs the database."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return ApiError(503, "database_away", "the database is away, try again", headers=retry)


def internal_error() -> ApiError:
    """Return the error (500) for a fault of ours, without details."""
    return ApiError(500, "internal_error", "internal error")


async def _handle(_: Request, error: Exception) -> Response:
    match error:
        case ApiError():
            return response_of(error)
        case RequestValidationError():
            return response_of(validation_error(error))
        case HTTPException():
            code, message = CODES.get(error.status_code, ("refused", str(error.detail)))
            return response_of(ApiError(error.status_code, code, message, headers=error.headers))
        case _:
            raise error


def _named(location: tuple[str | int, ...], message: str) -> tuple[str, str]:
    """Return field and message; rules on several fields name the field in their message.

    The location's first part is left out: ``("query", "limit")`` is ``limit``; and so is a number right after it,
    which is the position of a syntax error in a body.
    """
    if len(location) == 2 and isinstance(location[1], int):
        location = location[:1]
    field, colon, rest = message.partition(": ")
    if len(location) == 1 and colon and field.isidentifier():
        return field, rest
    return ".".join(str(part) for part in location[1:]) or str(location[0]), message
