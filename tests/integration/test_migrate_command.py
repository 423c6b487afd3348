"""`sniper migrate`, and services whose schema is not theirs, against what else happens to a database."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

import migrations
from migrations.roles import groups, names
from tests.servers.postgres import PrivatePostgres, private_postgres_server
from tests.support.running.processes import Sniper, sniper
from tests.waiting import eventually

MIGRATION_LOCK = 7_203_594_411
END_SECONDS = 20


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgres]:
    """A server on which roles may be made."""
    with private_postgres_server(durable=False) as running:
        yield running


async def execute(url: str, *statements: str) -> None:
    async with session(url) as connection:
        for statement in statements:
            await connection.execute(statement)


@asynccontextmanager
async def session(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def revision(url: str) -> str | None:
    async with session(url) as connection:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        return str(await connection.fetchval("SELECT version_num FROM alembic_version"))


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role).render_as_string()


@asynccontextmanager
async def migrating(url: str, directory: Path, **variables: str) -> AsyncIterator[Sniper]:
    """`sniper migrate` as a process."""
    async with sniper("migrate", environment={"SNIPER_DATABASE_URL": url} | variables, directory=directory) as running:
        yield running


async def ended(running: Sniper) -> tuple[int, str]:
    """Return the exit code, and everything it said."""
    async with asyncio.timeout(END_SECONDS):
        return await running.process.wait(), running.log.read_text()


async def says(running: Sniper, words: str) -> None:
    await eventually(lambda: words in running.log.read_text(), within_seconds=END_SECONDS)


async def test_a_role_that_may_not_create_is_told_the_right_and_the_grant(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    url = server.create_database()
    await execute(url, "CREATE ROLE newcomer LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")

    async with migrating(as_role(url, "newcomer"), tmp_path) as running:
        code, said = await ended(running)

    assert code == 2
    assert said.startswith('role "newcomer" lacks the right to create tables in the schema public: ')
    assert said.endswith('GRANT CREATE ON SCHEMA public TO "newcomer"\n')


async def test_a_role_without_a_schema_is_told_so(server: PrivatePostgres, tmp_path: Path) -> None:
    url = server.create_database()
    await execute(url, "CREATE ROLE homeless LOGIN", "REVOKE ALL ON SCHEMA public FROM PUBLIC")

    async with migrating(as_role(url, "homeless"), tmp_path) as running:
        code, said = await ended(running)

    assert code == 2
    assert said == 'role "homeless" has no schema to make tables in: GRANT USAGE ON SCHEMA public TO "homeless"\n'


async def test_a_role_that_does_not_own_the_tables_is_told_so(server: PrivatePostgres, tmp_path: Path) -> None:
    url = server.create_migrated_database()
    await asyncio.to_thread(migrations.downgrade, url, "015")
    await execute(
        url,
        "CREATE ROLE guest LOGIN",
        "GRANT ALL ON SCHEMA public TO guest",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO guest",
    )

    async with migrating(as_role(url, "guest"), tmp_path) as running:
        code, said = await ended(running)

    assert (code, said.count("\n")) == (2, 1)
    assert 'role "guest" does not own the ' in said
    assert await revision(url) == "015"


async def test_a_role_that_may_not_read_the_tables_is_told_the_right_and_the_grant(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    url = server.create_migrated_database()
    await execute(url, "CREATE ROLE blind LOGIN")
    environment = {"SNIPER_DATABASE_URL": as_role(url, "blind")}

    async with sniper("run", "persister", environment=environment, directory=tmp_path) as running:
        code, said = await ended(running)
    async with migrating(as_role(url, "blind"), tmp_path) as migration:
        migrated = await ended(migration)

    assert (code, said.count("\n")) == (2, 1)
    assert "let the owner of the tables run `sniper migrate --roles`" in said
    assert "Traceback" not in migrated[1]
    assert migrated[1].count("\n") == 1


async def test_what_a_migration_waits_for_is_said_and_bounded(empty_database_url: str, tmp_path: Path) -> None:
    async with session(empty_database_url) as other:
        await other.execute(f"SET application_name = 'deployment 1'; SELECT pg_advisory_lock({MIGRATION_LOCK})")
        async with migrating(empty_database_url, tmp_path, SNIPER_DATABASE_MIGRATION_WAIT_SECONDS="0.5") as running:
            code, said = await ended(running)

    assert code == 1
    first, last = said.splitlines()
    assert "waiting for another migration to end" in first
    assert "deployment 1" in first
    assert last.startswith("another migration is under way, by process ")
    assert "did not end in 0.5 s" in last
    assert await revision(empty_database_url) is None


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_a_migration_that_waits_ends_when_asked_and_has_done_nothing(
    empty_database_url: str, tmp_path: Path, signum: int
) -> None:
    async with session(empty_database_url) as other:
        await other.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        async with migrating(empty_database_url, tmp_path) as running:
            await says(running, "waiting for another migration to end")
            code = await running.stop(signum)

    assert code == 1
    assert running.log.read_text().splitlines()[-1] == "stopped before anything was migrated"
    assert await revision(empty_database_url) is None


async def test_a_migration_goes_on_when_the_other_has_ended(empty_database_url: str, tmp_path: Path) -> None:
    async with session(empty_database_url) as other:
        await other.execute(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        async with migrating(empty_database_url, tmp_path) as running:
            await says(running, "waiting for another migration to end")
            await other.execute(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
            code, _ = await ended(running)

    assert code == 0
    assert await revision(empty_database_url) == migrations.head()


async def test_a_table_that_is_locked_elsewhere_is_one_sentence(database_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(migrations.downgrade, database_url, "015")
    async with session(database_url) as other, other.transaction():
        await other.execute("LOCK TABLE orders, positions, exposure, trades, listings IN ACCESS SHARE MODE")
        async with migrating(database_url, tmp_path, SNIPER_DATABASE_MIGRATION_LOCK_SECONDS="0.2") as running:
            code, said = await ended(running)

    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("the schema cannot be migrated now: another session holds a lock that this needs, ")
    assert await revision(database_url) == "015"


async def test_a_newer_schema_is_told_from_an_older_one(database_url: str, tmp_path: Path) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = '999'")
    environment = {"SNIPER_DATABASE_URL": database_url}

    async with sniper("run", "persister", environment=environment, directory=tmp_path) as running:
        service = await ended(running)
    async with migrating(database_url, tmp_path) as migration:
        command = await ended(migration)

    newer = f"schema is at 999, made by a newer build than this one, which needs {migrations.head()}: run that build, "
    newer += "or restore a backup from before it migrated"
    assert (service[0], service[1].count("\n")) == (2, 1)
    assert service[1].startswith(newer)
    assert (command[0], command[1].count("\n")) == (1, 1)
    assert command[1].startswith(f"the schema cannot be migrated: {newer}")


async def test_an_older_schema_is_waited_for(database_url: str, broker_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(migrations.downgrade, database_url, "015")
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}

    async with sniper("run", "persister", environment=environment, directory=tmp_path) as running:
        await says(running, f"schema is at 015, this build needs {migrations.head()}: run `sniper migrate`")
        await asyncio.to_thread(migrations.upgrade, database_url)
        await running.ready()


@pytest.mark.parametrize("service", ["persister", "api", "dedup", "executor"])
async def test_every_service_notices_that_the_schema_was_taken_back_beneath_it_and_comes_back(
    database_url: str, broker_url: str, tmp_path: Path, service: str
) -> None:
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url, "SNIPER_API_PORT": "0"}

    async def is_not_ready() -> bool:
        return "schema" in (await running.get("/readyz")).text

    async with sniper("run", service, environment=environment, directory=tmp_path) as running:
        await running.ready()
        await asyncio.to_thread(migrations.downgrade, database_url, "003")
        await eventually(is_not_ready)
        await says(running, "the schema was taken back beneath this process")
        await asyncio.to_thread(migrations.upgrade, database_url)
        await running.ready()

        assert await running.stop() == 0
    assert "Traceback" not in running.log.read_text()


async def test_roles_are_made_with_their_rights_and_given_them_again_by_a_later_migration(
    private_postgres: Callable[[], PrivatePostgres], tmp_path: Path
) -> None:
    url = private_postgres().create_database()
    # As an earlier build made it: no session may sign in as it.
    await execute(url, "CREATE ROLE sniper_archive LOGIN")
    environment = {"SNIPER_DATABASE_URL": url}
    said = ""
    for _ in range(2):
        async with sniper("migrate", "--roles", environment=environment, directory=tmp_path) as running:
            code, said = await ended(running)
        assert code == 0, said

    async with session(url) as connection:
        made = await connection.fetch(
            "SELECT rolname AS name, rolcanlogin AS signs_in FROM pg_roles WHERE rolname LIKE 'sniper\\_%'"
        )
        may = await connection.fetchval("SELECT has_table_privilege('sniper_persister', 'listings', 'INSERT')")
    assert said.endswith(f"rights are given to {', '.join(names())}\n")
    assert {each["name"] for each in made} == set(names())
    assert {each["name"] for each in made if not each["signs_in"]} == set(groups())
    assert may


async def test_an_owner_that_may_not_change_a_role_says_which_may_sign_in_and_should_not(
    private_postgres: Callable[[], PrivatePostgres], tmp_path: Path
) -> None:
    url = private_postgres().create_database()
    await execute(url, "CREATE ROLE landlord LOGIN", *(f"CREATE ROLE {name} LOGIN" for name in names()))
    await execute(
        url, f"ALTER SCHEMA public OWNER TO landlord; ALTER DATABASE {make_url(url).database} OWNER TO landlord"
    )
    environment = {"SNIPER_DATABASE_URL": as_role(url, "landlord")}

    async with sniper("migrate", "--roles", environment=environment, directory=tmp_path) as running:
        code, said = await ended(running)

    assert code == 0, said
    for name in groups():
        assert (
            f"{name} may sign in, and nobody should as it: have an administrator run ALTER ROLE {name} NOLOGIN" in said
        )


async def test_an_owner_that_may_make_no_roles_is_told_who_may(
    private_postgres: Callable[[], PrivatePostgres], tmp_path: Path
) -> None:
    url = private_postgres().create_database()
    await execute(url, "CREATE ROLE landlord LOGIN", "GRANT ALL ON SCHEMA public TO landlord")
    environment = {"SNIPER_DATABASE_URL": as_role(url, "landlord")}

    async with sniper("migrate", "--roles", environment=environment, directory=tmp_path) as running:
        code, said = await ended(running)

    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("the roles cannot be given their rights: permission denied to create role: ")
