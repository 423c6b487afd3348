"""Session cookie: HttpOnly, SameSite=Strict, and Secure over TLS. Pure."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from api.access.origins import Origins

SECURE_NAME: Final = "__Host-sniper_session"
"""Browsers accept it from this host only, over TLS."""


def name_of(scope: Scope, headers: Headers, origins: Origins) -> str:
    """Return the cookie's name; without TLS it includes the port, as a host's cookies are shared by all its ports."""
    if origins.is_secure(scope, headers):
        return SECURE_NAME
    return f"sniper_session_{(scope.get('server') or ('', 0))[1]}"


def value_in(headers: Headers, name: str) -> str | None:
    """Return the cookie's value; None if there is none, an empty one if there are several."""
    pairs = (pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
    values = {value for key, _, value in pairs if key == name}
    if not values:
        return None
    return values.pop() if len(values) == 1 else ""


def setting(name: str, value: str, *, max_age_seconds: int) -> str:
    """Return the header that sets the cookie; a maximum age of 0 removes it."""
    secure = "; Secure" if name == SECURE_NAME else ""
    return f"{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}"
