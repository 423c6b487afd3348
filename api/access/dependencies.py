"""Dependencies of routes: the principal, and its scope.

    principal: Annotated[Principal, Depends(operate)]

`api.access.middleware.authentication` has admitted the request before, and refuses a write without `operate` even if
its route does not require it.
"""

from fastapi import Request
from starlette.types import Scope as AsgiScope

from api.access.principal import Principal, Scope
from api.error_handlers import ApiError

PRINCIPAL: str = "sniper.principal"


def principal_of(scope: AsgiScope) -> Principal:
    """Return the principal; raise ApiError (401) if the request was not admitted."""
    principal = scope.get(PRINCIPAL)
    if not isinstance(principal, Principal):
        raise ApiError(401, "unauthenticated", "a token or a session is needed")
    return principal


def require(principal: Principal, scope: Scope) -> None:
    """Raise ApiError (403) if *principal* lacks *scope*."""
    if not principal.may(scope):
        message = f'the token "{principal.name}" may only view: this needs one with the scope operate'
        raise ApiError(403, "view_only", message)


async def view(request: Request) -> Principal:
    """Return the principal; any token or session may view."""
    return principal_of(request.scope)


async def operate(request: Request) -> Principal:
    """Return the principal; raise ApiError (403) if it may only view."""
    principal = principal_of(request.scope)
    require(principal, Scope.OPERATE)
    return principal
