"""Hosts and ports of a PostgreSQL URL."""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import unquote

from shared.postgres.postgres_url import PostgresUrl
from shared.setting_types import ENCODE

PORT_MAX: Final = 65_535
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+(?:%[\w.]+)?\]|[^:\[\]]*)(?::(?P<port>.*))?", re.DOTALL)
_NAME: Final = re.compile(r"[\w.-]*")


def with_hosts(url: PostgresUrl, hosts: str) -> PostgresUrl:
    """Return *url* with its target: a host, a directory of sockets, or several of them to try in turn."""
    places = [_place(host, alone="," not in hosts) for host in hosts.split(",")]
    if len(places) == 1:
        name, port = places[0]
        if name.startswith("/"):
            return url.with_parameters({"host": name} | ({"port": str(port)} if port else {}))
        return replace(url, host=name.strip("[]") or None, port=port)
    written = (f"{name}:{port}" if port else name for name, port in places)
    return url.with_parameters({"host": ",".join(written)})


def _place(text: str, *, alone: bool) -> tuple[str, int | None]:
    match = _HOST.fullmatch(text)
    name = unquote(match["name"]) if match else "?"
    if not (name.startswith(("/", "[")) or _NAME.fullmatch(name)):
        raise ValueError(f"names a host that none can have: {ENCODE}")
    port = port_of(match["port"] or "") if match else None
    if not name and (port or not alone):
        raise ValueError(f"names no host: {ENCODE}")
    return name, port


def port_of(text: str) -> int | None:
    """Return the port in *text*, None where it is empty; raise ValueError for another text."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"names a port that is no number: {ENCODE}")
    if len(text) > len(str(PORT_MAX)) or not 0 < int(text) <= PORT_MAX:
        raise ValueError(f"the port must be from 1 to {PORT_MAX}")
    return int(text)
