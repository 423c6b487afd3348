"""Comparison of two URLs: same database or virtual host, in any notation."""

import socket
from typing import Final

from yarl import URL

_PORTS: Final = {"amqp": 5672, "amqps": 5671}
_POSTGRES: Final = 5432


def is_same_server(one: str, other: str) -> bool:
    """Return whether both name the same port and name on hosts that share an address."""
    if one.strip() == other.strip():
        return True
    try:
        first, second = URL(one.strip()), URL(other.strip())
        if (_port(first), _name(first)) != (_port(second), _name(second)):
            return False
    except ValueError:
        return False  # An invalid URL is refused where it is used.
    return not _addresses(first).isdisjoint(_addresses(second))


def _port(url: URL) -> int:
    return int(url.query.get("port", "0")) or url.explicit_port or _PORTS.get(url.scheme, _POSTGRES)


def _name(url: URL) -> str:
    by_default = "/" if url.scheme in _PORTS else url.user or ""
    return url.query.get("dbname", url.path.removeprefix("/")) or by_default


def _addresses(url: URL) -> set[str]:
    host = (url.query.get("host") or url.host or "localhost").lower()
    try:
        return {host, *(f"{found[4][0]}" for found in socket.getaddrinfo(host, None))}
    except (OSError, UnicodeError):
        return {host}
