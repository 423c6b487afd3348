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
