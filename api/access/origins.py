"""Hosts that requests may be meant for, and the origin that a browser's writes must come from. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from api.access.urls import host_name, origin_of
from api.error_handlers import ApiError

OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of what a page of ours asks, and of what a person types."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Names under which this API is reached."""

    hosts: Collection[str]
    """Lower case, without ports; addresses are always accepted, as no other site can make a browser send one."""
    public_url: str | None
    """Origin behind a proxy that ends TLS."""

    def require_host(self, headers: Headers) -> None:
        """Raise ApiError (421) where the request is for a host of another name, as of a site that rebinds its name."""
        host = host_name(headers.get("host", ""))
        if host is None or not (host in self.hosts or _is_address(host)):
            message = "this host name is not known here: add it to SNIPER_API_ALLOWED_HOSTS"
            raise ApiError(421, "unknown_host", message)

    def require_same_origin(self, scope: Scope, headers: Headers, *, ambient: bool) -> None:
        """Raise ApiError (403) where a page of another origin sent the write.

        *ambient*: the credential is one that a browser adds by itself, and then the browser has to say where from.
        """
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin.lower() not in self._own(scope, headers):
            raise _foreign("Origin")
        if site is not None and site != "same-origin":
            raise _foreign("Sec-Fetch-Site")
        if ambient and origin is None and site is None:
            raise _foreign("Origin (missing)")

    def require_own_reader(self, headers: Headers) -> None:
        """Raise ApiError (403) where a page of another origin, which may be of the same host, reads with our cookie."""
        site = headers.get("sec-fetch-site", "none")
        if site not in OWN_SITES and headers.get("sec-fetch-mode") != "navigate":
            raise _foreign("Sec-Fetch-Site")

    def is_secure(self, scope: Scope, headers: Headers) -> bool:
        """Return whether the browser reaches us over TLS, our own or that of the proxy at the public URL."""
        if scope["scheme"] == "https":
            return True
        public = self.public_url or ""
        return public.startswith("https://") and public == f"https://{headers.get('host', '').lower()}"

    def _own(self, scope: Scope, headers: Headers) -> Collection[str]:
        direct = origin_of(f"{scope['scheme']}://{headers.get('host', '')}")
        return {each for each in (direct, self.public_url) if each is not None}


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _foreign(header: str) -> ApiError:
    message = f"a page of another origin may not do this ({header})"
    return ApiError(403, "cross_origin", message)
