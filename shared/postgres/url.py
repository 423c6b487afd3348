"""Parser of PostgreSQL URLs, as libpq reads them; refuses by name what is impossible, before connecting."""

import getpass
import os
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

from shared.errors import SettingsError
from shared.postgres.postgres_url import PostgresUrl
from shared.postgres.url_hosts import with_hosts
from shared.postgres.url_parameters import supported_parameters
from shared.setting_types import ENCODE

SCHEMES: Final = ("postgres", "postgresql", "postgresql+asyncpg")
OURS: Final = ("connect_timeout", "application_name")
"""Parameters handled by us; the driver would send them to the server."""

_PARTS: Final = re.compile(r"(?P<authority>[^/?]*)(?:/(?P<path>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def parse_url(text: str, *, variable: str) -> PostgresUrl:
    """Return a PostgreSQL URL in its parts; raise SettingsError naming *variable*, never a value."""
    try:
        return _parsed(text.strip())
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def driver_url(url: PostgresUrl) -> str:
    """Return the form that PostgreSQL's own tools and asyncpg read."""
    return url.without_parameters(OURS).render()


def _parsed(text: str) -> PostgresUrl:
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
    if "/" in (path or ""):
        raise ValueError(f"names more than a database behind the host (in its name, / is written %2F): {ENCODE}")
    userinfo, _, hosts = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    url = PostgresUrl(
        unquote(user) or None,
        unquote(password) or None,
        database=unquote(path or "") or None,
        query=supported_parameters(dict(_pairs(query or ""))),
    )
    return _with_a_user(with_hosts(url, hosts))


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, separator, value = pair.partition("=")
        if not separator:
            raise ValueError("holds a parameter that is not NAME=VALUE (& is written %26)")
        yield unquote_plus(name), unquote_plus(value)


def _with_a_user(url: PostgresUrl) -> PostgresUrl:
    """Return *url*; raise ValueError where it leaves the user to an operating system without a name for ours."""
    if url.username is None and "user" not in url.query and not os.environ.get("PGUSER"):
        try:
            getpass.getuser()
        except (KeyError, OSError):
            words = f"names no user, and this process's own (UID {os.getuid()}) has no name"
            raise ValueError(f"{words}: write postgresql://USER@HOST/DATABASE") from None
    return url
