"""Translation of the driver's errors: TransientError where waiting may help, PermanentError where it cannot."""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg
from asyncpg.exceptions import ClientConfigurationError, TargetServerAttributeNotMatched

from shared import tls
from shared.errors import PermanentError, SchemaError, SettingsError, TransientError

VARIABLE: Final = "SNIPER_DATABASE_URL"
AUTHORITY: Final = "SNIPER_DATABASE_CA_FILE"
MAKE_DATABASE: Final = "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
POOLED: Final = (
    f"{VARIABLE}: leads to a pooler that hands out sessions by the transaction or the statement (PgBouncer's "
    "pool_mode), and such keep no prepared statements, no advisory locks and no LISTEN: name PostgreSQL itself, or a "
    "pooler with pool_mode = session"
)

_REMEDIES: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (asyncpg.InvalidPasswordError, "", f"correct the password in {VARIABLE}, or the role's"),
    (asyncpg.InvalidCatalogNameError, "", f"create it ({MAKE_DATABASE}), or name another in {VARIABLE}"),
    (asyncpg.InvalidAuthorizationSpecificationError, "pg_hba", "let the role in by a line of the server's pg_hba.conf"),
    (asyncpg.InvalidAuthorizationSpecificationError, "log in", "ALTER ROLE name LOGIN lets it in"),
    (asyncpg.InvalidAuthorizationSpecificationError, "not exist", f"create the role, or name another in {VARIABLE}"),
    (asyncpg.InvalidAuthorizationSpecificationError, "", f"see who may come in, and how, or change {VARIABLE}"),
    (asyncpg.InsufficientPrivilegeError, "", "GRANT CONNECT ON DATABASE name TO role lets it in"),
    (asyncpg.ObjectNotInPrerequisiteStateError, "", "ALTER DATABASE name ALLOW_CONNECTIONS true opens it"),
    (asyncpg.ProtocolViolationError, "no such database", f"name a database that the pooler knows in {VARIABLE}"),
    (asyncpg.ProtocolViolationError, "no such user", f"name a user that the pooler knows in {VARIABLE}"),
    (asyncpg.ProtocolViolationError, "startup parameter", f"leave it out of {VARIABLE}, or have the pooler ignore it"),
    (asyncpg.UndefinedObjectError, "", f"correct the options in {VARIABLE}"),
    (asyncpg.CantChangeRuntimeParamError, "", f"correct the options in {VARIABLE}"),
    (asyncpg.InvalidParameterValueError, "", f"correct the options in {VARIABLE}"),
    (ClientConfigurationError, "", f"correct {VARIABLE}, or the PG* variable that says so"),
    (asyncpg.InterfaceError, "is not supported", "let the role sign in by scram-sha-256"),
    (ConnectionError, "rejected SSL upgrade", "switch on TLS at the server, or choose another sslmode"),
)
"""Permanent refusals: the error, a word of its message, and the remedy. The first match is taken."""

_DENIED: Final = re.compile(r"permission denied for (?P<kind>[a-z ]+?) \"?(?P<name>[^\" ]+)\"?$")
_NOT_OWNER: Final = re.compile(r"must be owner of (?P<kind>[a-z ]+?) \"?(?P<name>[^\" ]+)\"?$")
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
)
"""Errors of a server that is away, busy, shutting down or refusing us, not of a wrong statement."""
_NOT_OURS = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidCachedStatementError,
)
"""Errors of a schema that is older or newer than this build's."""
UNUSABLE = (*_AWAY, *_NOT_OURS, asyncpg.InsufficientPrivilegeError)
"""Errors that may pass while one waits."""
OWN_ROLE: Final = (
    "sign in as the role that is meant for this, and let the owner of the tables run `sniper migrate --roles`"
)
_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""Values that cannot be stored, refused by the server, or by asyncpg before sending."""


@contextmanager
def refusals_are_settings() -> Iterator[None]:
    """Translate permanent refusals into SettingsError."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        sentence = tls.refusal(error, url=VARIABLE, authority=AUTHORITY)
        kind = TransientError if tls.mends_itself(error) else SettingsError
        raise kind(f"the database is not believed: {sentence}") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError) as error:
        if "statement pooling" in str(error):
            raise SettingsError(POOLED) from None
        found = (remedy for kind, word, remedy in _REMEDIES if isinstance(error, kind) and word in str(error))
        remedy = next(found, None)
        if remedy is None:
            raise
        raise SettingsError(f"the database refuses: {first_line(error)}: {remedy}") from None


def first_line(error: BaseException) -> str:
    """Return the server's message, without the lines that repeat statements and rows."""
    return str(error).partition("\n")[0]


def require_utf8(encoding: str) -> None:
    """Raise SettingsError for a database that cannot store the name of every coin."""
    if encoding != "UTF8":
        raise SettingsError(
            f"the database's encoding is {encoding}, which cannot hold every name of a coin: make one with "
            f"{MAKE_DATABASE}, and name it in {VARIABLE}"
        )


def missing_right(error: BaseException, role: str) -> str:
    """Return the right that *role* lacks, and the statement that grants it."""
    message = first_line(error)
    quoted = f'"{role}"'
    if owned := _NOT_OWNER.search(message):
        kind, name = owned.group("kind", "name")
        return f"role {quoted} does not own the {kind} {name}: sign in as its owner, or GRANT that role TO {quoted}"
    if denied := _DENIED.search(message):
        kind, name = denied.group("kind", "name")
        return f"role {quoted} lacks a right on the {kind} {name}: {grant_statement(kind, name)} TO {quoted}"
    return f"role {quoted} lacks a right: {message}"


def grant_statement(kind: str, name: str) -> str:
    """Return the beginning of the statement that grants the usual rights on an object."""
    match kind:
        case "schema":
            return f"GRANT USAGE, CREATE ON SCHEMA {name}"
        case "database":
            return f"GRANT CONNECT, TEMPORARY ON DATABASE {name}"
        case "sequence":
            return f"GRANT USAGE ON SEQUENCE {name}"
        case "function":
            return f"GRANT EXECUTE ON FUNCTION {name}"
        case _:
            return f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}"


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Translate all errors of an unreachable server into TransientError."""
    try:
        yield
    except _AWAY as error:
        raise _away(error) from error


def unusable(error: Exception) -> TransientError:
    """Return the TransientError for an error that may pass."""
    if isinstance(error, _NOT_OURS):
        return SchemaError(f"the schema is not that of this build: {first_line(error)}")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return TransientError(f"the database refuses: {first_line(error)}: {OWN_ROLE}")
    return _away(error)


def _away(error: Exception) -> TransientError:
    if isinstance(error, asyncpg.LockNotAvailableError):
        return TransientError(f"database busy: another session holds a lock: {first_line(error)}")
    if isinstance(error, TargetServerAttributeNotMatched):
        return TransientError("database away: the server takes no writes: it is a standby, or was made read-only")
    reason = f"{type(error).__name__}: {error}" if str(error) else "no answer in time"
    return TransientError(f"database away: {reason}")


@contextmanager
def refused_is_permanent() -> Iterator[None]:
    """Translate the refusal of a value into PermanentError, with the database's message."""
    try:
        yield
    except _REFUSED as error:
        # The lines after the first repeat the row.
        raise PermanentError(f"database: {str(error).partition(chr(10))[0]}") from error
