"""Allowed hosts of requests, and the origin required of a browser's writes. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from api.access.urls import host_name, origin_of
from api.error_handlers import ApiError

OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of requests from our own pages, and of typed addresses."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Names of this API."""

    hosts: Collection[str]
    """Lower case, without ports; IP addresses are always accepted, as no other site can make a browser send one."""
    public_url: str | None
    """Origin behind a proxy that ends TLS."""

    def require_host(self, headers: Headers) -> None:
        """Raise ApiError (421) if the request is for another host name, as after DNS rebinding."""
        host = host_name(headers.get("host", ""))
        if host is None or not (host in self.hosts or _is_address(host)):
            message = "this host name is not known here: add it to SNIPER_API_ALLOWED_HOSTS"
            raise ApiError(421, "unknown_host", message)

    def require_same_origin(self, scope: Scope, headers: Headers, *, ambient: bool) -> None:
        """Raise ApiError (403) if a page of another origin sent the write (CSRF).

        *ambient*: the browser added the credential by itself, and must then name the origin.
        """
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        own = {origin_of(f"{scope['scheme']}://{headers.get('host', '')}"), self.public_url}
        if origin is not None and origin.lower() not in own:
            raise _foreign("Origin")
        if site is not None and site != "same-origin":
            raise _foreign("Sec-Fetch-Site")
        if ambient and origin is None and site is None:
            raise _foreign("Origin (missing)")

    def require_own_reader(self, headers: Headers) -> None:
        """Raise ApiError (403) if a page of another origin, possibly of the same host, reads with our cookie."""
        site = headers.get("sec-fetch-site", "none")
        if site not in OWN_SITES and headers.get("sec-fetch-mode") != "navigate":
            raise _foreign("Sec-Fetch-Site")

    def is_secure(self, scope: Scope, headers: Headers) -> bool:
        """Return whether the browser uses TLS, of this server or of the proxy at the public URL."""
        if scope["scheme"] == "https":
            return True
        public = self.public_url or ""
        return public.startswith("https://") and public == f"https://{headers.get('host', '').lower()}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _foreign(header: str) -> ApiError:
    message = f"a page of another origin may not do this ({header})"
    return ApiError(403, "cross_origin", message)
