"""SQL that creates the roles and grants their rights, idempotent. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from migrations.rights import GROUPS, RIGHTS, SCHEMA_READ, SEQUENCES

PREFIX: Final = "sniper_"
SIGN_IN: Final = "SELECT rolname AS name FROM pg_roles WHERE rolname = ANY($1::text[]) AND rolcanlogin ORDER BY rolname"
"""Lists the roles that may log in."""
LOCK: Final = 7_203_594_412
"""Key of the advisory lock: any fixed number."""


def names(prefix: str = PREFIX) -> tuple[str, ...]:
    """Return the names of all roles."""
    return tuple(f"{prefix}{each}" for each in RIGHTS)


def groups(prefix: str = PREFIX) -> tuple[str, ...]:
    """Return the names of the roles without a login."""
    return tuple(name for name in names(prefix) if name.removeprefix(prefix) in GROUPS)


def script(prefix: str = PREFIX) -> str:
    """Return the whole script, one transaction, for a database with the schema of this build.

    Creates missing roles without passwords, and revokes rights that are not named here. Where the executing role may
    alter roles, groups lose a login they had before.
    """
    return "\n".join(["BEGIN;", *_statements(prefix), "COMMIT;", ""])


def _statements(prefix: str) -> Iterator[str]:
    yield f"SELECT pg_advisory_xact_lock({LOCK});"
    yield from _made(prefix)
    everybody = ", ".join(names(prefix))
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {everybody};"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {everybody};"
    yield f"REVOKE ALL ON SCHEMA public FROM {everybody};"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
    yield from _of_this_database("REVOKE TEMPORARY", "FROM PUBLIC")
    yield from _of_this_database("GRANT CONNECT", f"TO {everybody}")
    yield f"GRANT USAGE ON SCHEMA public TO {everybody};"
    yield f"GRANT SELECT ON {SCHEMA_READ} TO {everybody};"
    for role in RIGHTS:
        yield from (f"{each};" for each in granted(role, prefix))


def granted(role: str, prefix: str = PREFIX) -> Iterator[str]:
    """Yield the statements that grant *role* its rights on tables and sequences, without semicolons."""
    for table, given in RIGHTS[role].items():
        yield f"GRANT {_list(given)} ON {table} TO {prefix}{role}"
    for sequence, given in SEQUENCES.get(role, {}).items():
        yield f"GRANT {_list(given)} ON SEQUENCE {sequence} TO {prefix}{role}"


def _made(prefix: str) -> Iterator[str]:
    for role in RIGHTS:
        name, kind = f"{prefix}{role}", "NOLOGIN" if role in GROUPS else "LOGIN"
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
            f"THEN CREATE ROLE {name} {kind}; END IF; END $$;"
        )
    for name in groups(prefix):
        yield (
            f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}' AND rolcanlogin) "
            f"THEN ALTER ROLE {name} NOLOGIN; END IF; EXCEPTION WHEN insufficient_privilege "
            f"THEN RAISE WARNING '{name} may sign in: have an administrator run ALTER ROLE {name} NOLOGIN'; END $$;"
        )


def _of_this_database(act: str, whom: str) -> Iterator[str]:
    yield f"DO $$ BEGIN EXECUTE format('{act} ON DATABASE %I {whom}', current_database()); END $$;"


def _list(parts: Iterable[object]) -> str:
    return ", ".join(map(str, parts))
