"""Origins and host names, in browsers' notation. Pure."""

from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

DEFAULT_PORTS: Final = MappingProxyType({"http": 80, "https": 443})


def origin_of(url: str) -> str | None:
    """Return the origin of *url* as browsers write it; None if it has none."""
    try:
        parts = urlsplit(url.lower())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, DEFAULT_PORTS[parts.scheme]} else "")


@lru_cache(maxsize=128)
def host_name(header: str) -> str | None:
    """Return the name in a Host header, lower case and without port and brackets; None if there is none."""
    try:
        parts = urlsplit(f"//{header.lower()}")
        _ = parts.port
    except ValueError:
        return None
    if parts.netloc != header.lower() or "@" in parts.netloc:
        return None
    return parts.hostname
