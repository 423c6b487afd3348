"""Failures in one form: ``{"code", "message", "details"}``, and nothing about our insides."""

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
"""Code and message of the failures that the framework finds."""


class ApiError(SniperError):
    """A request is refused, in the words and with the status that the caller gets."""

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
    """Let *app* answer in one form what its routes refuse; `api.access.middleware.failures` sees to everything else."""
    app.add_exception_handler(ApiError, _refuse)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _unroutable)


def answer(error: ApiError) -> Response:
    """Return the response that says *error*."""
    problem = Problem(code=error.code, message=str(error), details=error.details)
    # Names of fields are the caller's own, and a token may have been put there by mistake.
    text = hidden_by_form(json.dumps(problem.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")))
    # JSON can spell half a character, which cannot be sent back.
    body = text.encode(errors="replace")
    return Response(body, status_code=error.status, headers=error.headers, media_type="application/json")


def invalid(problems: Sequence[tuple[str, str]]) -> ApiError:
    """Return the refusal (422) of a request for these fields and what is wrong with each."""
    fields: list[JsonValue] = [{"field": field, "message": message} for field, message in problems]
    message = "; ".join(f"{field}: {message}" for field, message in problems)
    return ApiError(422, "invalid", message, details={"fields": fields})


def unfit(error: RequestValidationError) -> ApiError:
    """Return the refusal (422) of a request that the framework found not to fit."""
    return invalid([_named(each["loc"], str(each["msg"])) for each in error.errors()])


def database_away() -> ApiError:
    """Return the refusal of a request that the database would have to answer."""
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return ApiError(503, "database_away", "the database is away, try again", headers=retry)


def internal() -> ApiError:
    """Return what a caller learns of a fault of ours."""
    return ApiError(500, "internal_error", "internal error")


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(unfit(error))


def _named(location: tuple[str | int, ...], message: str) -> tuple[str, str]:
    """Return the field, and what is wrong with it; rules on several fields name the one they are about."""
    field, colon, rest = message.partition(": ")
    return (field, rest) if len(location) == 1 and colon and field.isidentifier() else (_field(location), message)


def _field(location: tuple[str | int, ...]) -> str:
    """Leave out where the field was looked for: ``("query", "limit")`` is ``limit``."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


async def _unroutable(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, message = CODES.get(error.status_code, ("refused", str(error.detail)))
    return answer(ApiError(error.status_code, code, message, headers=error.headers))
