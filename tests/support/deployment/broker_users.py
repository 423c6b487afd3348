"""A broker as an operator sets it up: everything declared beforehand, and a user with a password for each service."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import make_url

from contract.definitions import definitions
from contract.rights import RIGHTS
from tests.servers.rabbitmq import RabbitMQServer

PASSWORDS: Final = Path(__file__).parents[3] / "deploy" / "rabbitmq" / "passwords.py"


@dataclass(frozen=True, slots=True)
class Users:
    """Addresses of one virtual host, by who signs in there."""

    server: RabbitMQServer
    vhost: str
    prefix: str
    password: str

    def url(self, user: str) -> str:
        url = make_url(self.server.url_for(self.vhost)).set(username=f"{self.prefix}{user}", password=self.password)
        return url.render_as_string(hide_password=False)


@contextmanager
def set_up(
    server: RabbitMQServer,
    directory: Path,
    *,
    passwords: bool = True,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Users]:
    """Load the definitions into a virtual host of its own; of each kind in *left_out*, without what has that name."""
    vhost = server.create_vhost()
    users = Users(server, vhost, f"{vhost}-", secrets.token_hex(8))
    for rights in RIGHTS if passwords else ():
        (directory / f"{users.prefix}{rights.user}").write_text(users.password)
    loaded = definitions(vhost=vhost, prefix=users.prefix)
    for kind, name in left_out.items():
        loaded[kind] = [each for each in loaded[kind] if each["name"] != name]
        loaded["bindings"] = [each for each in loaded["bindings"] if name not in {each["source"], each["destination"]}]
    try:
        with server.management() as api:
            api.post("/api/definitions", json=with_passwords(loaded, directory)).raise_for_status()
        yield users
    finally:
        server.delete_vhost(vhost)
        with server.management() as api:
            for rights in RIGHTS:
                api.delete(f"/api/users/{users.prefix}{rights.user}").raise_for_status()


def with_passwords(loaded: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Return the definitions with the passwords in *directory*, as an operator's command writes them."""
    ended = subprocess.run(
        [sys.executable, PASSWORDS, directory], input=json.dumps(loaded), capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(ended.stdout)
    return result
