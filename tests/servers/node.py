"""A private RabbitMQ node of Debian's package, beside whatever else runs on the machine."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL

from tests.servers.choice import NODE_SCRIPT, ServerUnavailableError
from tests.servers.guard import Guard, guarded
from tests.servers.node_layout import NodeLayout
from tests.servers.ports import LOOPBACK, accepts_connections
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.servers.readiness import wait_until_ready
from tests.servers.scratch import scratch_directory

_EPMD_SECONDS = 10
_END_SECONDS = 10
_CTL_SECONDS = 30
_CONSOLE_LINES = 20


class RabbitMQNode(PrivateRabbitMQ):
    """The node's process; its epmd is kept by `private_node`."""

    def __init__(self, layout: NodeLayout, guard: Guard) -> None:
        amqp = URL.create("amqp", layout.username, layout.password, LOOPBACK, layout.ports.amqp, "/")
        super().__init__(amqp, f"http://{LOOPBACK}:{layout.ports.management}")
        self._layout = layout
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def prometheus_port(self) -> int:
        return self._layout.ports.prometheus

    @property
    def pid(self) -> int:
        assert self._process is not None, "the node does not run"
        return self._process.pid

    def start(self) -> None:
        self._process = process = _spawn([str(NODE_SCRIPT)], self._layout, self._guard)
        try:
            wait_until_ready(self, LOOPBACK, self._layout.ports.amqp, has_ended=lambda: process.poll() is not None)
        except ServerUnavailableError as error:
            error.add_note(_last_lines(self._layout.console))
            raise

    def kill(self) -> None:
        if self._process is not None:
            _end(self._process, self._guard)
            self._process = None

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.kill()
        self.start()

    def ctl(self, *arguments: str) -> str:
        command = [str(NODE_SCRIPT.with_name("rabbitmqctl")), "--node", self._layout.node_name, *arguments]
        return subprocess.run(
            command, env=self._layout.environment(), capture_output=True, text=True, timeout=_CTL_SECONDS, check=True
        ).stdout


@contextmanager
def private_node(*, durable: bool, further: str = "", shows_metrics: bool = False) -> Iterator[RabbitMQNode]:
    """A new node with its data in a directory that goes with it; *further* are lines of its configuration."""
    with guarded() as guard:
        directory = scratch_directory("sniper-rabbitmq-", durable=durable)
        layout = NodeLayout(directory, further=further, shows_metrics=shows_metrics)
        guard.watch("directory", layout.directory)
        layout.write()
        with _own_epmd(layout, guard):
            node = RabbitMQNode(layout, guard)
            try:
                node.start()
                yield node
            finally:
                node.kill()


@contextmanager
def _own_epmd(layout: NodeLayout, guard: Guard) -> Iterator[None]:
    """Erlang's name server, without which the node would use the machine's, or start one that never ends."""
    port = layout.ports.epmd
    process = _spawn(["epmd", "-port", str(port), "-address", LOOPBACK], layout, guard)
    try:
        deadline = time.monotonic() + _EPMD_SECONDS
        while not accepts_connections(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerUnavailableError(f"epmd did not start on port {port}: {_last_lines(layout.console)}")
            time.sleep(0.01)
        yield
    finally:
        _end(process, guard)


def _spawn(command: Sequence[str], layout: NodeLayout, guard: Guard) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, which Ctrl-C at the terminal does not reach."""
    with layout.console.open("ab") as console:
        process = subprocess.Popen(
            command,
            env=layout.environment(),
            cwd=layout.directory,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    guard.watch("process", process.pid)
    return process


def _end(process: subprocess.Popen[bytes], guard: Guard) -> None:
    process.kill()
    process.wait(_END_SECONDS)
    guard.release("process", process.pid)


def _last_lines(file: Path) -> str:
    return "\n".join(file.read_text(errors="replace").splitlines()[-_CONSOLE_LINES:])
