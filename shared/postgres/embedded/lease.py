"""Advisory file locks in the data directory: one process at a time starts or stops the server, the last user stops it.

The kernel releases the locks of a process however it ends, so no list of process ids can go stale.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.errors import SniperError

TAKE_SECONDS_MAX: Final = 120.0
"""Longer than initdb takes on a slow disk."""
_RETRY_SECONDS: Final = 0.02
_OWNER_ONLY: Final = 0o600


class ServerLease:
    """File locks of one process on the server of one data directory."""

    def __init__(self, directory: Path) -> None:
        """Open the lock files in *directory*; raise OSError where they cannot be made."""
        self._users = _opened(directory / "postgres.users")
        self._turn = _opened(directory / "postgres.lock")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the right to initialise, start and stop the server; raise SniperError when that takes too long."""
        deadline = time.monotonic() + TAKE_SECONDS_MAX
        while not _locked(self._turn, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise SniperError(f"another process has been starting our own PostgreSQL for {TAKE_SECONDS_MAX:.0f} s")
            time.sleep(_RETRY_SECONDS)
        try:
            yield
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    def use(self) -> None:
        """Count as a user of the server until `close`. Call within `turn`."""
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def is_last_user(self) -> bool:
        """Return whether no other process uses the server; from then on none can. Call within `turn`."""
        return _locked(self._users, fcntl.LOCK_EX)

    def close(self) -> None:
        os.close(self._users)
        os.close(self._turn)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
