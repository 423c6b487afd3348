"""Databases on a PostgreSQL server: made empty, made migrated, dropped."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypeVar

import asyncpg
from sqlalchemy.engine import URL, make_url

import migrations

_STATEMENT_SECONDS = 30
Argument = TypeVar("Argument")


class PostgresServer:
    """A server we may make databases on. URLs have the plain form `postgresql://…`, as asyncpg takes it."""

    def __init__(self, url: URL, *, template: str | None = None) -> None:
        """*url* names the database that statements about other databases are sent to, *template* a migrated one."""
        self._maintenance = url.set(drivername="postgresql")
        self._made: list[str] = []
        self._given_template = template

    @property
    def url(self) -> str:
        return self._maintenance.render_as_string(hide_password=False)

    def create_database(self) -> str:
        """A new empty database, as its URL."""
        return self._url_of(self._create("template1"))

    def create_migrated_database(self) -> str:
        """A new database of the newest revision, as its URL; copied, so that only the first one costs a migration."""
        return self._url_of(self._create(self.template))

    def drop_database(self, url: str) -> None:
        """Drop it, closing any connection still open."""
        self._drop(make_url(url).database or "")

    def drop_all(self) -> None:
        for name in self._made.copy():
            self._drop(name)

    @cached_property
    def template(self) -> str:
        """The name of a database of the newest revision without connections."""
        if self._given_template is not None:
            return self._given_template
        name = self._create("template1")
        _outside_the_loop(migrations.upgrade, self._url_of(name))
        return name

    def _create(self, template: str) -> str:
        name = f"sniper_test_{secrets.token_hex(8)}"
        # Files are copied in two thirds of the processor time that a log of every page takes.
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        self._made.append(name)
        return name

    def _drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._made.remove(name)

    def _url_of(self, database: str) -> str:
        return self._maintenance.set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        _outside_the_loop(asyncio.run, _execute(self.url, statement))


def _outside_the_loop(function: Callable[[Argument], object], argument: Argument) -> None:
    """Call what runs an event loop of its own; in a thread, because the caller may be a coroutine."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(function, argument).result()


async def _execute(url: str, statement: str) -> None:
    async with asyncio.timeout(_STATEMENT_SECONDS):
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
