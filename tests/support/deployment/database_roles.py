"""A database whose services sign in as roles of their own, as `sniper migrate --roles` makes them."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy import make_url

from migrations import roles
from migrations.rights import GROUPS, RIGHTS


@dataclass(frozen=True, slots=True)
class Roles:
    """Addresses of one database, by who signs in there."""

    owner_url: str
    prefix: str
    password: str

    def name(self, role: str) -> str:
        return f"{self.prefix}{role}"

    def url(self, role: str) -> str:
        url = make_url(self.owner_url).set(username=self.name(role), password=self.password)
        return url.render_as_string(hide_password=False)


@asynccontextmanager
async def set_up(owner_url: str) -> AsyncIterator[Roles]:
    """Make the roles under unique names: they belong to the server, not to the database."""
    made = Roles(owner_url, f"t{secrets.token_hex(6)}_", secrets.token_hex(8))
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute(roles.script(made.prefix))
        for role in RIGHTS.keys() - GROUPS:
            await owner.execute(f"ALTER ROLE {made.name(role)} PASSWORD '{made.password}'")
        yield made
    finally:
        await _remove(owner, made)
        await owner.close()


async def _remove(owner: "asyncpg.Connection[asyncpg.Record]", made: Roles) -> None:
    for role in RIGHTS:
        await owner.execute(f"DROP OWNED BY {made.name(role)}; DROP ROLE {made.name(role)}")


@asynccontextmanager
async def acting_as(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A session that keeps no statements: its rights change beneath it."""
    async with asyncio.timeout(60):
        session = await asyncpg.connect(url, statement_cache_size=0)
        try:
            yield session
        finally:
            await session.close()
