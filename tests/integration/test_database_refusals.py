"""A server that lets us not in, or a database that cannot serve: named, and waited for only where that can help."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url
from typer.testing import CliRunner, Result

from cli.main import app
from shared.errors import SettingsError, TransientError
from tests.servers.postgres import PrivatePostgres, private_postgres_server
from tests.support.running.services import open_database
from tests.waiting import eventually

CANARY = "c4n4ry"
HBA = """
local all postgres trust
local all locked trust
local all busy trust
local all poor trust
local all guarded scram-sha-256
"""
SETUP = """
CREATE ROLE guarded LOGIN PASSWORD 'right';
CREATE ROLE stranger LOGIN;
CREATE ROLE locked NOLOGIN;
CREATE ROLE busy LOGIN CONNECTION LIMIT 0;
CREATE ROLE poor LOGIN;
CREATE DATABASE closed ALLOW_CONNECTIONS false;
CREATE DATABASE private;
REVOKE CONNECT ON DATABASE private FROM PUBLIC;
CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    """A server that lets some in and others not."""
    with private_postgres_server(durable=False) as running:
        asyncio.run(set_up(running.url))
        yield running


async def set_up(url: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in SETUP.split(";"):
        await connection.execute(statement)
    (Path(str(make_url(url).query["host"])) / "pg_hba.conf").write_text(HBA)
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()

    async def is_in_force() -> bool:
        try:
            await (await asyncpg.connect(make_url(url).set(username="stranger").render_as_string())).close()
        except asyncpg.InvalidAuthorizationSpecificationError:
            return True
        return False

    await eventually(is_in_force)


def url_of(server: PrivatePostgres, **parts: str) -> str:
    url: URL = make_url(server.url).set(**parts)  # type: ignore[arg-type]
    return url.render_as_string(hide_password=False)


async def come_in(url: str) -> None:
    async with open_database(url):
        pass


@pytest.mark.parametrize(
    ("user", "words", "remedy"),
    [
        ("guarded", 'password authentication failed for user "guarded"', "correct the password in SNIPER_DATABASE_URL"),
        ("stranger", "no pg_hba.conf entry for host", "a line of the server's pg_hba.conf"),
        ("locked", 'role "locked" is not permitted to log in', "ALTER ROLE name LOGIN"),
        ("nobody", "no pg_hba.conf entry for host", "a line of the server's pg_hba.conf"),
    ],
)
async def test_a_role_that_is_not_let_in_is_named_and_not_waited_for(
    server: PrivatePostgres, user: str, words: str, remedy: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        await come_in(url_of(server, username=user, password=CANARY))

    assert str(refused.value).startswith("the database refuses: ")
    assert words in str(refused.value)
    assert remedy in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("database", "words"),
    [
        ("gone", r'database "gone" does not exist: create it \(CREATE DATABASE '),
        ("closed", r'database "closed" is not currently accepting connections: ALTER DATABASE '),
        ("private", r'permission denied for database "private": GRANT CONNECT '),
    ],
)
async def test_a_database_that_is_closed_to_us_is_named_and_not_waited_for(
    server: PrivatePostgres, database: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        await come_in(url_of(server, username="poor", database=database))


async def test_a_server_without_a_connection_to_spare_is_named_and_waited_for(server: PrivatePostgres) -> None:
    with pytest.raises(TransientError, match=r'too many connections for role "busy"'):
        await come_in(url_of(server, username="busy"))


async def test_an_option_that_the_server_does_not_know_is_named_and_not_waited_for(server: PrivatePostgres) -> None:
    with pytest.raises(SettingsError, match=r'unrecognized configuration parameter "mood": correct the options'):
        await come_in(f"{server.url}&options=-c%20mood%3Dgood")


@pytest.mark.parametrize(("database", "encoding"), [("latin", "LATIN1"), ("ascii", "SQL_ASCII")])
async def test_a_database_that_is_not_utf_8_is_refused_with_how_to_make_one(
    server: PrivatePostgres, database: str, encoding: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        await come_in(url_of(server, database=database))

    assert str(refused.value).startswith(f"the database's encoding is {encoding}, ")
    assert "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0" in str(refused.value)


@pytest.mark.parametrize("command", [("migrate",), ("run", "persister"), ("status",)])
def test_no_command_goes_on_with_a_database_that_is_not_utf_8(
    server: PrivatePostgres, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = {"SNIPER_DATABASE_URL": url_of(server, database="latin"), "SNIPER_METRICS_PORT": "0"}

    result: Result = CliRunner().invoke(app, command, env=variables)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("the database's encoding is LATIN1, ")
