"""Authentication in front of every path: without a token or a session only the paths in `OPEN` are answered."""

from typing import Final, NamedTuple

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import cookies, credentials, dependencies, principal
from api.access.authenticator import Authenticator, UnauthenticatedError
from api.access.credentials import Credential, CredentialKind
from api.access.middleware.stream_guard import GuardedSend
from api.access.origins import Origins
from api.access.throttle import client_of

SIGN_IN: Final = "/sign-in"
STYLE: Final = "/sign-in.css"
SESSION: Final = "/session"
OPEN: Final = frozenset(
    {("GET", "/health/live"), ("GET", "/health/ready"), ("GET", SIGN_IN), ("GET", STYLE), ("POST", SESSION)}
)
"""Routes that need no token or session."""
SIGN_OUT: Final = ("DELETE", SESSION)
"""The only write allowed to a session with the scope `view`: it ends itself."""
STOPS: Final = frozenset({("POST", "/halt"), ("POST", "/halt-and-close")})
"""Routes counted apart: they must not wait behind a token's other requests."""
READING: Final = frozenset({"GET", "HEAD"})


class _Presented(NamedTuple):
    """The credential of a request."""

    credential: Credential | None
    """None: malformed."""
    ambient: bool
    """Whether browsers add it by themselves, as a cookie."""


class Authentication:
    """ASGI middleware that admits requests, and puts the principal into their scope."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, origins: Origins) -> None:
        self._app = app
        self._authenticator = authenticator
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"nothing is served over {scope['type']}")
        headers = Headers(scope=scope)
        presented = self._presented(scope, headers)
        ambient = presented is not None and presented.ambient
        if scope["method"] not in READING:
            self._origins.require_same_origin(scope, headers, ambient=ambient)
        elif ambient:
            self._origins.require_own_reader(headers)
        try:
            if presented is not None:
                await self._admit(presented, scope, receive, send)
            else:
                _require_open(scope)
                await self._app(scope, receive, send)
        except UnauthenticatedError:
            is_navigation = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
            if "authorization" in headers or not is_navigation:
                raise
            await RedirectResponse(SIGN_IN, status_code=303)(scope, receive, send)

    def _presented(self, scope: Scope, headers: Headers) -> _Presented | None:
        """Return the credential of the request, a token before a session; None if there is none."""
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, value = authorization.partition(" ")
            token = credentials.parse(value.strip(), CredentialKind.TOKEN) if scheme.lower() == "bearer" else None
            return _Presented(token, ambient=False)
        cookie = cookies.value_in(headers, cookies.name_of(scope, headers, self._origins))
        # A browser that signs in again may still have an old cookie.
        if cookie is None or _route(scope) in OPEN:
            return None
        return _Presented(credentials.parse(cookie, CredentialKind.SESSION), ambient=True)

    async def _admit(self, presented: _Presented, scope: Scope, receive: Receive, send: Send) -> None:
        credential = presented.credential
        client = client_of((scope.get("client") or ("",))[0])
        admitted = await self._authenticator.admit(credential, client, stops=_route(scope) in STOPS)
        ends_itself = _route(scope) == SIGN_OUT and admitted.session_id is not None
        if scope["method"] not in READING and not ends_itself:
            dependencies.require(admitted, principal.Scope.OPERATE)
        assert credential is not None
        # Not a copy of the scope: outer middlewares read from it which route has answered.
        scope[dependencies.PRINCIPAL] = admitted
        guarded = GuardedSend(send, lambda: self._authenticator.still_holds(credential))
        try:
            await self._app(scope, receive, guarded)
        except Exception:
            if not guarded.ended:
                raise


def _require_open(scope: Scope) -> None:
    if _route(scope) not in OPEN:
        raise UnauthenticatedError("unauthenticated", "a token or a session is needed")


def _route(scope: Scope) -> tuple[str, str]:
    return scope["method"], scope["path"]
