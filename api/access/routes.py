"""Sign-in page, and the calls that start, show and end a session."""

from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from starlette.responses import RedirectResponse, Response

from api import error_handlers
from api.access import pages
from api.access.dependencies import view
from api.access.middleware import authentication
from api.access.principal import Principal, Scope
from api.access.sign_in import SignIn
from api.error_handlers import ApiError
from api.head_requests import IS_HEAD
from api.schemas import Answer, Problem
from shared.postgres.database import Database

HOME: Final = "/"
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
SIGN_IN_BODY: Final[dict[str, object]] = {
    "requestBody": {
        "required": True,
        "content": {
            media_type: {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "additionalProperties": False,
                    "properties": {"token": {"type": "string"}},
                }
            }
            for media_type in (JSON, FORM)
        },
    },
}


class SessionInfo(Answer):
    """The principal of a request."""

    name: str
    """Of the token."""
    scope: Scope
    expires_at: AwareDatetime | None
    """None: never. A session's is extended by use, up to its limit."""


class _TokenGiven(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: str


def add(app: FastAPI) -> None:
    """Add the routes to *app*."""
    app.get(authentication.SIGN_IN, include_in_schema=False)(get_sign_in)
    app.get(authentication.STYLE, include_in_schema=False)(get_style)
    app.get(authentication.SESSION)(get_session)
    app.post(
        authentication.SESSION,
        status_code=204,
        response_class=Response,
        responses={303: {"description": "A form's answer: go to the dashboard"}, 415: {"model": Problem}},
        openapi_extra=SIGN_IN_BODY,
    )(post_session)
    app.delete(authentication.SESSION, status_code=204, response_class=Response)(delete_session)


def sign_in_of(request: Request) -> SignIn:
    """Return the sign-in of *request*; a dependency of routes."""
    database: Database = request.app.state.database
    return SignIn(request, request.app.state.access, database)


SigningIn = Annotated[SignIn, Depends(sign_in_of)]


async def get_sign_in(request: Request, signing_in: SigningIn, link: Annotated[str | None, Query()] = None) -> Response:
    """Show the page; with a link, use it and redirect to the dashboard."""
    # A link works once, and not for prefetching.
    if link is None or request.scope.get(IS_HEAD) or "prefetch" in request.headers.get("sec-purpose", ""):
        return pages.sign_in()
    try:
        started = await signing_in.by_link(link)
    except ApiError as error:
        return _refused(request, error)
    return await _welcomed(signing_in, started)


async def get_style() -> Response:
    """Style of the sign-in page."""
    return Response(pages.STYLE, media_type="text/css")


async def get_session(principal: Annotated[Principal, Depends(view)]) -> SessionInfo:
    """Show the name and scope of the caller."""
    return SessionInfo(name=principal.name, scope=principal.scope, expires_at=principal.expires_at)


async def post_session(request: Request, signing_in: SigningIn) -> Response:
    """Sign in with a token: JSON or a form. The answer sets an HttpOnly cookie."""
    is_form = _media_type(request) == FORM
    try:
        started = await signing_in.by_token(await _token_in(request))
    except ApiError as error:
        return _refused(request, error)
    if is_form:
        return await _welcomed(signing_in, started)
    response = Response(status_code=204)
    await signing_in.set_cookie(response, started)
    return response


async def delete_session(principal: Annotated[Principal, Depends(view)], signing_in: SigningIn) -> Response:
    """Sign out: the session ends, and the cookie is removed."""
    if principal.session_id is None:
        raise ApiError(403, "no_session", "there is no session to end: a token is revoked with `sniper token revoke`")
    response = Response(status_code=204)
    await signing_in.end(response, principal.session_id)
    return response


async def _token_in(request: Request) -> str:
    """Return the token in the body; raise ApiError (415, 422) if there is none."""
    body = await request.body()
    match _media_type(request):
        case "application/json":
            given: dict[str, object] | bytes = body
        case "application/x-www-form-urlencoded":
            given = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items() if len(values) == 1}
        case _:
            raise ApiError(415, "unsupported_media_type", f"the body must be {JSON} or {FORM}")
    try:
        read = _TokenGiven.model_validate(given) if isinstance(given, dict) else _TokenGiven.model_validate_json(given)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise error_handlers.invalid_fields(
            [(str((*each["loc"], "body")[0]), each["msg"]) for each in faults]
        ) from None
    return read.token


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _welcomed(signing_in: SignIn, session: str) -> Response:
    response = RedirectResponse(HOME, status_code=303)
    await signing_in.set_cookie(response, session)
    return response


def _refused(request: Request, error: ApiError) -> Response:
    """Return *error* as the sign-in page for a browser, otherwise in the common form."""
    if "text/html" not in request.headers.get("accept", ""):
        return error_handlers.response_of(error)
    page = pages.sign_in(f"{str(error)[:1].upper()}{str(error)[1:]}.", status=error.status)
    page.headers.update(error.headers)
    return page
