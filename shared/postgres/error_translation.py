"""Translation of the driver's errors: TransientError where waiting may help, PermanentError where it cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from shared.errors import PermanentError, SchemaError, TransientError
from shared.postgres.refusals import first_line

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
"""What says that the server is away, busy, on its way down or letting nobody in, not that the statement is wrong."""

_NOT_OURS = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidCachedStatementError,
)
"""Errors of tables that are not those of this build, any more or yet."""

UNUSABLE = (*_AWAY, *_NOT_OURS, asyncpg.InsufficientPrivilegeError)
"""All that may be mended while one waits."""

OWN_ROLE: Final = (
    "sign in as the role that is meant for this, and let the owner of the tables run `sniper migrate --roles`"
)

_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What says that a value cannot be stored, now or ever: by the server, or by asyncpg before it is sent."""


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Translate the many ways a server can be away into TransientError."""
    try:
        yield
    except _AWAY as error:
        raise _away(error) from error


def unusable(error: Exception) -> TransientError:
    """Return what to raise for an error that may be mended while one waits."""
    if isinstance(error, _NOT_OURS):
        return SchemaError(f"the schema is not that of this build: {first_line(error)}")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return TransientError(f"the database refuses: {first_line(error)}: {OWN_ROLE}")
    return _away(error)


def _away(error: Exception) -> TransientError:
    if isinstance(error, asyncpg.LockNotAvailableError):
        return TransientError(f"database busy: another session holds a lock: {first_line(error)}")
    reason = f"{type(error).__name__}: {error}" if str(error) else "no answer in time"
    return TransientError(f"database away: {reason}")


@contextmanager
def refused_is_permanent() -> Iterator[None]:
    """Translate a value that the database will never take into PermanentError, in the database's words."""
    try:
        yield
    except _REFUSED as error:
        # The lines after the first repeat the row.
        raise PermanentError(f"database: {str(error).partition(chr(10))[0]}") from error
