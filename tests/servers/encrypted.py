"""Servers that encrypt: PostgreSQL and RabbitMQ with a certificate that a test gives them, and another one later."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.servers.choice import ServerUnavailableError, node_installed
from tests.servers.guard import guarded
from tests.servers.node import RabbitMQNode, private_node
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.scratch import scratch_directory
from tests.support.fakes.certificates import Authority

_START_SECONDS: Final = 30
_USER: Final = "postgres"
_OPTIONS: Final[Mapping[str, str]] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "fsync": "off",
}


def find_encrypting_postgres() -> Path | None:
    """Return the programs of a PostgreSQL that can encrypt; the wheel's cannot."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class EncryptedPostgres:
    """A server that lets everybody in, over TLS alone."""

    directory: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"postgresql://{_USER}@{LOOPBACK}:{self.port}/{_USER}"

    def present(self, authority: Authority, **how: Any) -> None:
        """Show another certificate from now on."""
        _issue(authority, self.directory, **how)
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def encrypted_postgres(authority: Authority) -> Iterator[EncryptedPostgres]:
    """A new server with a certificate of *authority*."""
    programs = find_encrypting_postgres()
    if programs is None:
        raise ServerUnavailableError("No PostgreSQL here can encrypt: install Debian's package postgresql.")
    [port] = free_ports(1)
    with guarded() as guard:
        directory = scratch_directory("sniper-postgres-tls-", durable=False)
        guard.watch("directory", directory)
        _give_away(directory)
        subprocess.run(
            [programs / "initdb", "--pgdata", directory, "--username", _USER, "--auth", "trust", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **_as_nobody_special(),
        )
        (directory / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 trust\n")
        _issue(authority, directory)
        options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with (directory / "console").open("wb") as console:
            process = subprocess.Popen(
                [programs / "postgres", "-D", directory, "-p", str(port), *options],
                stdout=console,
                stderr=console,
                cwd="/",
                **_as_nobody_special(),
            )
        guard.watch("process", process.pid)
        try:
            _wait(process, directory)
            yield EncryptedPostgres(directory, port, process)
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()
            guard.release("process", process.pid)


@dataclass(frozen=True, slots=True)
class EncryptedRabbitMQ:
    """A node that encrypts on one port of its own."""

    node: RabbitMQNode
    directory: Path
    port: int

    @property
    def url(self) -> str:
        return f"amqps://{self.node.username}:{self.node.password}@{LOOPBACK}:{self.port}/"

    def present(self, authority: Authority, **how: Any) -> None:
        """Show another certificate from now on."""
        authority.issue(self.directory, **how)
        self.node.ctl("eval", "ssl:clear_pem_cache().")


@contextmanager
def encrypted_rabbitmq(authority: Authority, directory: Path) -> Iterator[EncryptedRabbitMQ]:
    """A new node with a certificate of *authority*, kept in *directory*."""
    if not node_installed():
        raise ServerUnavailableError("No RabbitMQ here can be given a certificate: install Debian's rabbitmq-server.")
    authority.issue(directory)
    [port] = free_ports(1)
    files = (
        ("cacertfile", authority.path),
        ("certfile", directory / "server.crt"),
        ("keyfile", directory / "server.key"),
    )
    lines = [f"listeners.ssl.1 = {LOOPBACK}:{port}", *(f"ssl_options.{name} = {path}" for name, path in files)]
    with private_node(durable=False, further="\n".join(lines)) as node:
        yield EncryptedRabbitMQ(node, directory, port)


def _as_nobody_special() -> Mapping[str, Any]:
    """Return how to start what refuses to run as root."""
    return {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}


def _issue(authority: Authority, directory: Path, **how: Any) -> None:
    authority.issue(directory, **how)
    (directory / "server.key").chmod(0o600)
    _give_away(directory / "server.key")


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, _USER, _USER)


def _wait(process: "subprocess.Popen[bytes]", directory: Path) -> None:
    """Wait until the server takes sessions; it listens, and refuses them, a moment sooner."""
    deadline = time.monotonic() + _START_SECONDS
    while not _is_ready(directory / "postmaster.pid"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerUnavailableError(f"PostgreSQL did not start: {(directory / 'console').read_text()[-1000:]}")
        time.sleep(0.02)


def _is_ready(status: Path) -> bool:
    """Return whether *status*, in which the server keeps its state in the last line, says so."""
    return status.exists() and status.read_text().rstrip().endswith("ready")
