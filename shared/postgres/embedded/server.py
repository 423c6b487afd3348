"""Start, supervision and stop of the embedded PostgreSQL, on a Unix socket only."""

import asyncio
import errno
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Never

import psutil
import structlog

from shared.errors import SettingsError, SniperError, jittered
from shared.postgres.embedded.cluster import ensure_cluster
from shared.postgres.embedded.lease import ServerLease
from shared.postgres.embedded.postmaster import Postmaster, clear_stale_pid_file, find_postmaster
from shared.postgres.embedded.tools import ToolError, Tools, failure_cause
from shared.postgres.postgres_url import PostgresUrl

log = structlog.get_logger(__name__)

LOG_FILE: Final = "log"
CHECK_SECONDS: Final = 0.5
RESTART_SECONDS_MAX: Final = 5.0
STOP_SECONDS: Final = 10
_SOCKET_PATH_MAX: Final = 90
"""Systems allow 104 to 108 bytes, of which the socket's own name needs fourteen."""
_LOG_BYTES_MAX: Final = 64 * 1024


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[PostgresUrl]:
    """Run a server with its data in *data_dir*, restart it when it ends, and stop it when its last user leaves.

    A server left behind by a killed process is found and used again. Raises SniperError where it does not start.
    """
    directory = (data_dir / "postgres").resolve()
    server = await asyncio.to_thread(EmbeddedServer.opened, directory)
    try:
        supervision = asyncio.create_task(server.supervise(), name="postgres-supervision")
        try:
            yield server.url
        finally:
            supervision.cancel()
            await asyncio.wait([supervision])
    finally:
        await asyncio.to_thread(server.leave)


class EmbeddedServer:
    """Server of one data directory. Its methods block; call them from a thread."""

    def __init__(self, directory: Path, lease: ServerLease) -> None:
        self.directory = directory
        self._lease = lease
        self._socket_directory = ""

    @classmethod
    def opened(cls, directory: Path) -> "EmbeddedServer":
        """Use the running server of *directory*, or start one; raise SniperError."""
        try:
            directory.parent.mkdir(parents=True, exist_ok=True)
            lease = ServerLease(directory.parent)
        except OSError as error:
            # A full disk is no fault of the setting.
            kind = SniperError if error.errno in {errno.ENOSPC, errno.EDQUOT} else SettingsError
            raise kind(f"SNIPER_DATA_DIR: cannot use {directory.parent}: {error.strerror}") from None
        server = cls(directory, lease)
        try:
            server.start()
        except (SniperError, OSError) as error:
            lease.close()
            raise SniperError(f"our own PostgreSQL did not start in {directory}: {error}") from error
        return server

    async def supervise(self) -> Never:
        """Restart the server whenever it is gone: nothing else can, and positions are not watched meanwhile."""
        attempt = 0
        while True:
            try:
                if self.is_running():
                    attempt = 0
                    await asyncio.sleep(CHECK_SECONDS)
                    continue
                if attempt == 0:
                    log.error("our own PostgreSQL ended; it is started again", directory=str(self.directory))
                await asyncio.to_thread(self.start)
                log.warning("our own PostgreSQL runs again", directory=str(self.directory))
                continue
            except (SniperError, OSError) as error:
                log.debug("our own PostgreSQL did not start", reason=str(error))
            except Exception:
                log.exception("our own PostgreSQL was not looked after")
            attempt += 1
            await asyncio.sleep(jittered(attempt, max_seconds=RESTART_SECONDS_MAX))

    @property
    def url(self) -> PostgresUrl:
        return PostgresUrl(username="postgres", database="postgres", query={"host": self._socket_directory})

    def is_running(self) -> bool:
        return find_postmaster(self.directory) is not None

    def start(self) -> None:
        """Use the server that runs, or start one; raise SniperError or OSError."""
        tools = Tools.for_this_user()
        with self._lease.turn():
            self._lease.use()
            postmaster = find_postmaster(self.directory) or self._started(tools)
            self._socket_directory = postmaster.socket_directory

    def leave(self) -> None:
        """Stop the server unless another process uses it."""
        try:
            with self._lease.turn():
                if self._lease.is_last_user() and (postmaster := find_postmaster(self.directory)) is not None:
                    tools, where = Tools.for_this_user(), ["-w", "-D", str(self.directory)]
                    try:
                        tools.run("pg_ctl", [*where, "-t", str(STOP_SECONDS), "-m", "fast", "stop"])
                    except ToolError:
                        # It ignores signals. Every commit is in its log, and the next start recovers it.
                        postmaster.process.kill()
                        postmaster.process.wait(STOP_SECONDS)
        except (SniperError, OSError, psutil.Error) as error:
            log.warning("our own PostgreSQL was left running", directory=str(self.directory), reason=str(error))
        finally:
            self._lease.close()

    def _started(self, tools: Tools) -> Postmaster:
        ensure_cluster(self.directory, tools)
        tools.open_way_to(self.directory)
        if (left := clear_stale_pid_file(self.directory)) is not None:
            raise SniperError(f"a process of an earlier server is still ending there (pid {left.pid}): try again")
        sockets = _socket_directory(self.directory, tools)
        options = f"-c listen_addresses='' -k '{sockets}'"
        log_file = self.directory / LOG_FILE
        logged_bytes = log_file.stat().st_size if log_file.exists() else 0
        try:
            tools.run("pg_ctl", ["-w", "-o", options, "-l", str(log_file), "-D", str(self.directory), "start"])
        except ToolError as error:
            raise SniperError(_logged_cause(log_file, logged_bytes) or str(error)) from None
        postmaster = find_postmaster(self.directory)
        if postmaster is None:
            raise SniperError(_logged_cause(log_file, logged_bytes) or "it ended at once")
        return postmaster


def _logged_cause(log_file: Path, since_byte: int) -> str:
    """Return the last error logged by the server since *since_byte*; empty without one."""
    try:
        with log_file.open("rb") as file:
            file.seek(since_byte)
            return failure_cause(file.read(_LOG_BYTES_MAX).decode(errors="replace"))
    except OSError:
        return ""


def _socket_directory(directory: Path, tools: Tools) -> Path:
    """Return the directory of the socket: the data directory, or a short path of this user's if that is too long."""
    if len(str(directory).encode()) <= _SOCKET_PATH_MAX and "'" not in str(directory):
        return directory
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"sniper-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid not in {os.geteuid(), None if tools.user is None else tools.user.pw_uid}:
        raise SniperError(f"{short} belongs to another user; choose a shorter SNIPER_DATA_DIR")
    tools.give(short)
    return short
