"""Failures as JSON: what the caller did wrong by field, and nothing about our insides."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from api.schemas import FieldProblem, Problem
from shared.errors import TransientError

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 5


def install(app: FastAPI) -> None:
    """Let *app* answer every failure in one form."""
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(TransientError, _away)
    app.add_exception_handler(Exception, _fail)


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [FieldProblem(field=_field(each["loc"]), message=each["msg"]) for each in error.errors()]
    detail = "; ".join(f"{each.field}: {each.message}" for each in errors)
    return _answer(422, Problem(detail=detail, errors=errors))


def _field(location: tuple[str | int, ...]) -> str:
    """Leave out where the field was looked for: ``("query", "limit")`` is ``limit``."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


async def _away(request: Request, error: Exception) -> JSONResponse:
    log.warning("database away", path=request.url.path, reason=str(error))
    answer = _answer(503, Problem(detail="the database is away, try again"))
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


async def _fail(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    return _answer(500, Problem(detail="internal error"))


def _answer(status: int, problem: Problem) -> JSONResponse:
    return JSONResponse(problem.model_dump(mode="json"), status_code=status)
