"""Each service's role may do what the service does in the database, and is refused everything else."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, TypeAlias

import asyncpg
import pytest
import pytest_asyncio

from cli.database import rights as rights_of_a_process
from migrations.rights import GROUPS, RIGHTS, SCHEMA_READ
from shared.errors import TransientError
from tests.servers.databases import PostgresServer
from tests.support.data.statements import statements
from tests.support.deployment.database_roles import Roles, acting_as, set_up
from tests.support.running.services import open_database

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

WRITTEN_IN: Final[Mapping[str, tuple[str, ...]]] = {
    "ingest": (
        "ingest",
        "shared.control.exchange_identity",
        "shared.control.monitor_switch",
        "shared.postgres.stored_rate_usage",
    ),
    "dedup": ("dedup",),
    "executor": (
        "executor",
        "shared.control.config_store",
        "shared.control.exchange_identity",
        "shared.control.halts",
        "shared.postgres.stored_rate_usage",
    ),
    "express": (
        "ingest",
        "executor",
        "cli.composing.express",
        "shared.control.config_store",
        "shared.control.exchange_identity",
        "shared.control.halts",
        "shared.control.monitor_switch",
        "shared.postgres.stored_rate_usage",
    ),
    "persister": ("persister",),
    "api": ("api", "cli", "shared.control.config_store", "shared.control.halts", "shared.control.monitor_switch"),
    "notifier": ("notifier", "shared.control.halts"),
    "telegram": (
        "api.operator.actions",
        "api.operator.close_requests",
        "api.operator.held_positions",
        "api.reading.health",
        "api.reading.status",
        "shared.control.config_store",
        "shared.control.halts",
    ),
}
"""Where the statements stand that each runs; commands run as the API."""
IN_PARTS: Final = {
    "executor.journal.reservation_sql._RESERVED",
    "cli.composing.express.claim._CLAIM",
    "cli.composing.express.claim._UNANNOUNCED",
}
"""Parts of other statements, and none by themselves."""
OF_OTHERS: Final = {
    "api": ("cli.archive.", "cli.composing.express.", "cli.replay."),
    **dict.fromkeys(("executor", "express"), ("shared.control.exchange_identity.RENAME",)),
    # Asked only by those who may see orders, which another statement tells them.
    "ingest": ("shared.control.exchange_identity.RENAME", "shared.control.exchange_identity.HAS_TRADED"),
}
"""Commands beside any service: archives and the express way have a role of their own, and the table of the bus in one
process an owner."""
MADE_WHILE_RUNNING: Final = {("api", "trade_config", "UPDATE"), ("telegram", "position_exits", "SELECT")}
"""Rights of statements that are put together only then; that those are enough is shown by running them."""
ACTS: Final = {
    "SELECT": "EXPLAIN SELECT FROM {table}",
    "INSERT": "EXPLAIN INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "EXPLAIN UPDATE {table} SET {column} = DEFAULT",
    "DELETE": "EXPLAIN DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}
NOBODY_MAY: Final = (
    "CREATE TABLE mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TABLE listings ADD COLUMN mine int",
    "ALTER TABLE listings DISABLE TRIGGER ALL",
    "DROP TABLE orders",
    "CREATE ROLE mine",
    "COPY listings TO PROGRAM 'true'",
    "SET session_replication_role = replica",
    "SELECT pg_read_file('postgresql.conf')",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def roles(postgres_server: PostgresServer) -> AsyncIterator[Roles]:
    url = postgres_server.create_migrated_database()
    async with set_up(url) as made:
        yield made
    postgres_server.drop_database(url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(roles: Roles) -> AsyncIterator[Session]:
    async with acting_as(roles.owner_url) as session:
        yield session


def written(role: str) -> Mapping[str, str]:
    found = statements(*WRITTEN_IN[role])
    return {
        name: text
        for name, text in found.items()
        if name not in IN_PARTS and not name.startswith(OF_OTHERS.get(role, ()))
    }


async def prepared(session: Session, role: str) -> Mapping[str, tuple[str, str]]:
    """Return text and call of each statement, by where it stands, having prepared it in *session*."""
    calls: dict[str, tuple[str, str]] = {}
    for number, (name, text) in enumerate(written(role).items()):
        await session.execute(f"PREPARE s{number} AS {text}")
        count = await session.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = $1", f"s{number}"
        )
        arguments = f"({', '.join(['NULL'] * count)})" if count else ""
        calls[name] = text, f"EXPLAIN EXECUTE s{number}{arguments}"
    return calls


async def refused(session: Session, calls: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return which of the statements PostgreSQL refuses to the session's role, without running any."""
    found = []
    for name, (_, call) in calls.items():
        try:
            await session.execute(call)
        except asyncpg.InsufficientPrivilegeError as error:
            found.append(f"{name}: {error}")
    return found


@pytest.mark.parametrize("role", WRITTEN_IN)
async def test_every_statement_of_a_service_is_within_its_rights(roles: Roles, owner: Session, role: str) -> None:
    async with acting_as(roles.owner_url) as session:
        calls = await prepared(session, role)
        await session.execute(f"SET ROLE {roles.name(role)}")

        assert calls
        assert await refused(session, calls) == []


def given(role: str) -> Iterator[tuple[str, str, str]]:
    """Yield table, right and the right with its columns."""
    for table, rights in RIGHTS[role].items():
        yield from ((table, right.word, str(right)) for right in rights)


@pytest.mark.parametrize("role", WRITTEN_IN)
async def test_no_right_is_given_that_no_statement_needs(roles: Roles, owner: Session, role: str) -> None:
    idle = []
    async with acting_as(roles.owner_url) as session:
        calls = await prepared(session, role)
        await session.execute(f"SET ROLE {roles.name(role)}")
        for table, word, whole in given(role):
            about = {name: call for name, call in calls.items() if re.search(rf"\b{table}\b", call[0])}
            await owner.execute(f"REVOKE {whole} ON {table} FROM {roles.name(role)}")
            if not await refused(session, about) and (role, table, word) not in MADE_WHILE_RUNNING:
                idle.append(f"{word} on {table}")
            await owner.execute(f"GRANT {whole} ON {table} TO {roles.name(role)}")

    assert idle == []


@pytest.mark.parametrize("role", RIGHTS)
async def test_every_other_act_on_every_table_is_refused(roles: Roles, owner: Session, role: str) -> None:
    tables = await owner.fetch("""
        SELECT tablename AS name, (
            SELECT column_name FROM information_schema.columns
            WHERE table_name = tablename AND is_generated = 'NEVER'
            ORDER BY column_name = 'id', ordinal_position LIMIT 1
        ) AS column
        FROM pg_tables WHERE schemaname = 'public'
    """)
    may = {(table, word) for table, word, _ in given(role)} | {(SCHEMA_READ, "SELECT")}
    acts = [
        (f"{word} on {table['name']}", act.format(table=table["name"], column=table["column"]))
        for table in tables
        for word, act in ACTS.items()
        if (table["name"], word) not in may
    ]
    allowed = []
    async with acting_as(roles.owner_url) as session:
        await session.execute(f"SET ROLE {roles.name(role)}")
        for name, act in [*acts, *((act, act) for act in NOBODY_MAY)]:
            try:
                await session.execute(act)
            except asyncpg.InsufficientPrivilegeError:
                continue
            allowed.append(name)

    assert len(tables) > 30
    assert allowed == []


@pytest.mark.parametrize(
    ("role", "column"),
    [
        ("executor", "max_trade_usdt"),
        ("executor", "max_position_usdt"),
        ("executor", "halted"),
        ("executor", "resumed_at"),
        ("executor", "daily_loss_usdt_max"),
        ("telegram", "auto_trade"),
        ("telegram", "max_trade_usdt"),
        ("telegram", "resumed_at"),
    ],
)
async def test_limits_and_halts_are_out_of_reach_of_what_may_change_a_part_of_the_configuration(
    roles: Roles, role: str, column: str
) -> None:
    async with acting_as(roles.owner_url) as session:
        await session.execute(f"SET ROLE {roles.name(role)}")

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(f"UPDATE trade_config SET {column} = DEFAULT")


async def test_who_may_halt_and_not_resume_takes_back_no_halt(roles: Roles) -> None:
    async with acting_as(roles.owner_url) as session, session.transaction():
        await session.execute(f"SET LOCAL ROLE {roles.name('telegram')}")
        await session.execute("UPDATE trade_config SET halted = true, halted_at = now(), halted_reason = 'a drill'")

        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="may not resume"):
            async with session.transaction():
                await session.execute("UPDATE trade_config SET halted = false")

        await session.execute(f"SET LOCAL ROLE {roles.name('api')}")
        await session.execute("UPDATE trade_config SET halted = false")


@pytest.mark.parametrize("role", sorted(RIGHTS.keys() - GROUPS))
async def test_each_signs_in_as_itself(roles: Roles, role: str) -> None:
    async with open_database(roles.url(role)) as database, database.connection() as connection:
        assert await connection.fetchval("SELECT session_user") == roles.name(role)


async def test_nobody_signs_in_as_a_group(roles: Roles) -> None:
    assert GROUPS
    for group in GROUPS:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not permitted to log in"):
            await asyncpg.connect(roles.url(group))


async def test_a_refused_statement_says_what_to_do(roles: Roles) -> None:
    async with open_database(roles.url("dedup")) as database:
        with pytest.raises(TransientError) as failure:
            async with database.connection() as connection:
                await connection.execute("DELETE FROM listings")

    assert str(failure.value).startswith("the database refuses: permission denied for table listings: sign in as ")
    assert "`sniper migrate --roles`" in str(failure.value)


@pytest.mark.parametrize("service", sorted(RIGHTS.keys() - GROUPS - {"archive"}))
async def test_a_service_finds_its_own_rights_enough(roles: Roles, service: str) -> None:
    async with open_database(roles.url(service)) as database:
        await rights_of_a_process.require(database, [service])


async def test_a_service_under_anothers_role_names_what_it_lacks_before_anything_is_lost(roles: Roles) -> None:
    async with open_database(roles.url("dedup")) as database:
        with pytest.raises(TransientError) as failure:
            await rights_of_a_process.require(database, ["persister"])

    said = str(failure.value)
    assert said.startswith(f'the role "{roles.name("dedup")}" of SNIPER_DATABASE_URL lacks SELECT on bot_health, ')
    assert "and 4 more: sign in as sniper_persister, " in said


async def test_rights_may_be_given_again_and_what_was_given_beside_them_is_taken(roles: Roles, owner: Session) -> None:
    from migrations.roles import script

    await owner.execute(f"GRANT DELETE ON orders TO {roles.name('executor')}")
    await owner.execute(f"REVOKE INSERT ON orders FROM {roles.name('executor')}")

    await owner.execute(script(roles.prefix))

    query = "SELECT has_table_privilege($1, 'orders', 'DELETE'), has_table_privilege($1, 'orders', 'INSERT')"
    row = await owner.fetchrow(query, roles.name("executor"))
    assert row is not None
    assert tuple(row) == (False, True)
