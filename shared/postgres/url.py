"""Parser of PostgreSQL URLs, as libpq reads them; refuses by name what is impossible, before connecting."""

import getpass
import os
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

from sqlalchemy import URL

from shared.errors import SettingsError
from shared.postgres.url_parameters import supported_parameters
from shared.settings import ENCODE

SCHEMES: Final = ("postgres", "postgresql", "postgresql+asyncpg")
PORT_MAX: Final = 65_535
OURS: Final = ("connect_timeout", "application_name")
"""Parameters handled by us; the driver would send them to the server."""

_PARTS: Final = re.compile(r"(?P<authority>[^/?]*)(?:/(?P<path>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL)
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+(?:%[\w.]+)?\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
_NAME: Final = re.compile(r"[\w.-]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def parse_url(text: str, *, variable: str) -> URL:
    """Return the SQLAlchemy form of a PostgreSQL URL; raise SettingsError naming *variable*, never a value."""
    try:
        return _parsed(text.strip())
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def driver_url(url: URL) -> str:
    """Return the form that PostgreSQL's own tools and asyncpg read."""
    bare = url.set(drivername="postgresql").difference_update_query(OURS)
    return bare.render_as_string(hide_password=False)


def parameter(url: URL, name: str) -> str | None:
    """Return one of the URL's own parameters."""
    value = url.query.get(name)
    return value if isinstance(value, str) else None


def _parsed(text: str) -> URL:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ValueError(f"must start with {' or '.join(f'{each}://' for each in SCHEMES)}")
    if _CONTROL.search(rest):
        raise ValueError("holds a line break or another control character")
    if "#" in rest:
        raise ValueError(f"holds a # that is not percent-encoded: {ENCODE}")
    parts = _PARTS.fullmatch(rest)
    authority, path, query = parts.group("authority", "path", "query") if parts else ("", None, None)
    if "@" in f"{path}{query}":
        raise ValueError(f"holds an @ behind the host: {ENCODE}")
    if authority.count("@") > 1:
        raise ValueError(f"holds more than one @ before the database: {ENCODE}")
    userinfo, _, hosts = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    url = URL.create(
        "postgresql+asyncpg",
        unquote(user) or None,
        unquote(password) or None,
        database=_database(path or ""),
        query=supported_parameters(dict(_pairs(query or ""))),
    )
    return _with_a_user(_at(url, hosts))


def _database(path: str) -> str | None:
    if "/" in path:
        raise ValueError(f"names more than a database behind the host (in its name, / is written %2F): {ENCODE}")
    return unquote(path) or None


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, separator, value = pair.partition("=")
        if not separator:
            raise ValueError("holds a parameter that is not NAME=VALUE (& is written %26)")
        yield unquote_plus(name), unquote_plus(value)


def _at(url: URL, hosts: str) -> URL:
    """Return *url* with its target: a host, a directory of sockets, or several of them to try in turn."""
    places = [_place(host, alone="," not in hosts) for host in hosts.split(",")]
    if len(places) == 1:
        name, port = places[0]
        if name.startswith("/"):
            return url.update_query_dict({"host": name} | ({"port": str(port)} if port else {}))
        return url.set(host=name.strip("[]") or None, port=port)
    written = (f"{name}:{port}" if port else name for name, port in places)
    return url.update_query_dict({"host": ",".join(written)})


def _place(text: str, *, alone: bool) -> tuple[str, int | None]:
    match = _HOST.fullmatch(text)
    name = unquote(match["name"]) if match else "?"
    if not (name.startswith(("/", "[")) or _NAME.fullmatch(name)):
        raise ValueError(f"names a host that none can have: {ENCODE}")
    port = _port(match["port"] or "") if match else None
    if not name and (port or not alone):
        raise ValueError(f"names no host: {ENCODE}")
    return name, port


def _port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"names a port that is no number: {ENCODE}")
    if len(text) > len(str(PORT_MAX)) or not 0 < int(text) <= PORT_MAX:
        raise ValueError(f"the port must be from 1 to {PORT_MAX}")
    return int(text)


def _with_a_user(url: URL) -> URL:
    """Return *url*; raise ValueError where it leaves the user to an operating system without a name for ours."""
    if url.username is None and "user" not in url.query and not os.environ.get("PGUSER"):
        try:
            getpass.getuser()
        except (KeyError, OSError):
            words = f"names no user, and this process's own (UID {os.getuid()}) has no name"
            raise ValueError(f"{words}: write postgresql://USER@HOST/DATABASE") from None
    return url
