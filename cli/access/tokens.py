"""`sniper token` and `sniper sign-in`: access to the API."""

import json
import re
import sys
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from api.access import sessions, tokens
from api.access.principal import Scope
from api.access.tokens import RefusedTokenError, TokenRow
from api.settings import ApiSettings, is_loopback
from cli import command_runner
from cli.display import tables
from shared.errors import SettingsError
from shared.postgres.database import Database
from shared.settings import load

UNITS: Final = MappingProxyType({"m": "minutes", "h": "hours", "d": "days", "w": "weeks"})
COLUMNS: Final = ("name", "scope", "last used", "expires", "made", "by", "revoked")
ANY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})


async def create(name: str, scope: Scope, expires: str | None) -> None:
    """Create a token; print its value on standard output, and all else on standard error."""
    lifetime = None if expires is None else lifetime_of(expires)
    async with command_runner.database() as database:
        try:
            value = await tokens.create(
                database, name, scope, created_by=command_runner.operator_name(), lifetime=lifetime
            )
        except RefusedTokenError as error:
            raise command_runner.usage_error(error) from None
    print(value)
    until = "until it is revoked" if expires is None else f"for {expires}"
    print(f"token {name}, scope {scope}, {until}; its value is not shown again", file=sys.stderr)


async def show(*, revoked: bool, as_json: bool) -> None:
    """Print all tokens, and with *revoked* the revoked ones too."""
    async with command_runner.database() as database:
        found = [row for row in await tokens.all_tokens(database) if revoked or row.revoked_at is None]
    if as_json:
        print(json.dumps([row._asdict() for row in found], indent=2, default=datetime.isoformat))
    elif found:
        tables.show(tables.table("Tokens", COLUMNS, map(cells_of, found)))
    else:
        print("no tokens: `sniper token create NAME` makes one")


async def revoke(name: str) -> None:
    """Revoke the token called *name*."""
    async with command_runner.database() as database:
        try:
            await tokens.revoke(database, name, revoked_by=command_runner.operator_name())
        except RefusedTokenError as error:
            raise command_runner.usage_error(error) from None
    print(f"{name} is revoked, and the sessions signed in with it have ended")


async def sign_in() -> None:
    """Print a link that signs a browser in."""
    async with command_runner.database() as database:
        print(await make_link_url(database))


async def make_link_url(database: Database) -> str:
    """Return the URL of a new sign-in link to the API of this machine."""
    value = await sessions.make_link(database, created_by=command_runner.operator_name())
    return f"{base_url(load(ApiSettings))}/sign-in?link={value}"


async def sign_in_url(database: Database) -> str:
    """Return a sign-in link; if other machines reach the API, the page that asks for a token."""
    settings = load(ApiSettings)
    if is_loopback(settings.host):
        return await make_link_url(database)
    return f"{base_url(settings)}/sign-in"


def base_url(settings: ApiSettings) -> str:
    """Return the API's base URL for a browser on this machine."""
    if settings.public_url is not None:
        return settings.public_url
    scheme = "http" if settings.tls_certificate is None else "https"
    return f"{scheme}://{reachable_at(settings.host, settings.port)}"


def reachable_at(host: str, port: int) -> str:
    """Return host and port, as in a URL, at which a browser on this machine reaches what listens on *host*."""
    shown = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"{f'[{shown}]' if ':' in shown else shown}:{port}"


def lifetime_of(text: str) -> timedelta:
    """Parse a lifetime like 90d; raise SettingsError for anything else."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text)
    if match is None:
        raise SettingsError("--expires: must be a time like 30m, 12h, 90d or 52w")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def cells_of(row: TokenRow) -> tuple[str, ...]:
    """Return the cells of a token in the table."""
    name = row.name if row.has_value else f"{row.name} (links only)"
    expires = _time(row.expires_at) if row.usable or row.revoked_at else f"{_time(row.expires_at)} (over)"
    revoked = "" if row.revoked_at is None else f"{_time(row.revoked_at)} by {row.revoked_by}"
    return name, row.scope, _time(row.last_used_at), expires, _time(row.created_at), row.created_by, revoked


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
