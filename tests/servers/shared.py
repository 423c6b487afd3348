"""One server of each kind for all processes of a run: whichever needs one first has it started.

The run's first process offers them at a Unix socket and ends them with itself; the others send a name and receive
an address, or the reason why there is none.
"""

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from types import MappingProxyType
from typing import Final, TypeAlias

from sqlalchemy.engine import make_url

from tests.servers.broker import private_rabbitmq_server
from tests.servers.choice import BROKER_URL_VARIABLE, DATABASE_URL_VARIABLE, ServerUnavailableError
from tests.servers.databases import PostgresServer
from tests.servers.postgres import private_postgres_server
from tests.servers.rabbitmq import RabbitMQServer

START_SECONDS: Final = 90
_NOT_STARTED: Final = "error"

Address: TypeAlias = Mapping[str, str]
Start: TypeAlias = Callable[[ExitStack], Address]
"""Starts a server that ends with the stack, and returns where it is."""


def _postgres(running: ExitStack) -> Address:
    server = running.enter_context(private_postgres_server(durable=False))
    return {"url": server.url, "template": server.template}


def _rabbitmq(running: ExitStack) -> Address:
    server = running.enter_context(private_rabbitmq_server(durable=False))
    return {"url": server.url_for("/"), "management_url": server.management_url}


STARTS: Final[Mapping[str, Start]] = MappingProxyType({"postgres": _postgres, "rabbitmq": _rabbitmq})


@contextmanager
def offered(starts: Mapping[str, Start] = STARTS) -> Iterator[Path]:
    """Offer servers for the time of the block; yield the socket that answers for them."""
    directory = Path(tempfile.mkdtemp(prefix="sniper-run-"))
    with ExitStack() as running:
        running.callback(shutil.rmtree, directory, ignore_errors=True)
        running.enter_context(_answering(directory / "servers", starts))
        yield directory / "servers"


def shared_postgres(asked_at: Path | None, env: Mapping[str, str]) -> PostgresServer | None:
    """Return the server of the run; None where *env* names one, or none is offered.

    Raises:
        ServerUnavailableError: when it could not be started.
    """
    if asked_at is None or env.get(DATABASE_URL_VARIABLE):
        return None
    address = _address(asked_at, "postgres")
    return PostgresServer(make_url(address["url"]), template=address["template"])


def shared_rabbitmq(asked_at: Path | None, env: Mapping[str, str]) -> RabbitMQServer | None:
    """Return the server of the run; None where *env* names one, or none is offered.

    Raises:
        ServerUnavailableError: when it could not be started.
    """
    if asked_at is None or env.get(BROKER_URL_VARIABLE):
        return None
    address = _address(asked_at, "rabbitmq")
    return RabbitMQServer(make_url(address["url"]), address["management_url"])


def _address(asked_at: Path, kind: str) -> Address:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(START_SECONDS)
        asking.connect(os.fspath(asked_at))
        with asking.makefile("rw") as line:
            line.write(f"{kind}\n")
            line.flush()
            address: dict[str, str] = json.loads(line.readline())
    if _NOT_STARTED in address:
        raise ServerUnavailableError(address[_NOT_STARTED])
    return address


@contextmanager
def _answering(path: Path, starts: Mapping[str, Start]) -> Iterator[None]:
    with ExitStack() as running:
        offers = {kind: _Offer(start, running) for kind, start in starts.items()}

        class Answer(StreamRequestHandler):
            def handle(self) -> None:
                kind = self.rfile.readline().decode().strip()
                self.wfile.write(json.dumps(dict(offers[kind].address())).encode() + b"\n")

        # Closing it waits for the answers under way, so that what is still starting is ended as well.
        listening = running.enter_context(ThreadingUnixStreamServer(os.fspath(path), Answer))
        accepting = threading.Thread(target=listening.serve_forever, name="servers of the run")
        accepting.start()
        try:
            yield
        finally:
            listening.shutdown()
            accepting.join()


class _Offer:
    """Starts its server once, for the first who asks; the others wait for the same answer."""

    def __init__(self, start: Start, running: ExitStack) -> None:
        self._start = start
        self._running = running
        self._lock = threading.Lock()
        self._address: Address | None = None

    def address(self) -> Address:
        with self._lock:
            if self._address is None:
                self._address = self._started()
            return self._address

    def _started(self) -> Address:
        try:
            return self._start(self._running)
        except ServerUnavailableError as error:
            return {_NOT_STARTED: "\n".join([str(error), *getattr(error, "__notes__", ())])}
