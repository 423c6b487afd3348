"""Real servers for the tests that ask for them: one of each a run, a database and a virtual host of its own a test."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

import pytest

from tests.servers.broker import private_rabbitmq_server, rabbitmq_server_for
from tests.servers.choice import ServerUnavailableError
from tests.servers.databases import PostgresServer
from tests.servers.postgres import PrivatePostgres, postgres_server_for, private_postgres_server
from tests.servers.rabbitmq import PrivateRabbitMQ, RabbitMQServer

Server = TypeVar("Server", bound=RabbitMQServer)


@pytest.fixture(scope="session")
def rabbitmq_start() -> Iterator[Future[RabbitMQServer]]:
    """The broker on its way up. It takes the longest, so other servers start meanwhile."""
    # The pool is left first, and waits: an interrupted run ends also what was still starting.
    with ExitStack() as running, ThreadPoolExecutor(max_workers=1) as pool:
        yield pool.submit(running.enter_context, rabbitmq_server_for(os.environ))


@pytest.fixture(scope="session")
def rabbitmq_server(rabbitmq_start: Future[RabbitMQServer]) -> RabbitMQServer:
    """The broker of the run; a test that stops or freezes it wants `private_rabbitmq`."""
    return _or_fail(rabbitmq_start.result)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """The server of the run; a test that stops or freezes it wants `private_postgres`."""
    if any("rabbitmq_start" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("rabbitmq_start")
    with postgres_server_for(os.environ) as server:
        yield server


@pytest.fixture
def broker_url(rabbitmq_server: RabbitMQServer) -> Iterator[str]:
    """An amqp:// URL of a virtual host that is empty and nobody else's."""
    vhost = rabbitmq_server.create_vhost()
    yield rabbitmq_server.url_for(vhost)
    rabbitmq_server.delete_vhost(vhost)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A postgresql:// URL of a database that is migrated, seeded as a first deployment is, and nobody else's."""
    url = postgres_server.create_migrated_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A postgresql:// URL of a database without a single table."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def private_postgres() -> Iterator[Callable[[], PrivatePostgres]]:
    """Start a server of the test's own, which it may stop, start and freeze; about a second."""
    with ExitStack() as running:
        yield lambda: running.enter_context(private_postgres_server(durable=False))


@pytest.fixture
def private_rabbitmq() -> Iterator[Callable[[], PrivateRabbitMQ]]:
    """Start a broker of the test's own, which it may kill, freeze and restart; five seconds and more."""
    with ExitStack() as running:
        yield lambda: _or_fail(lambda: running.enter_context(private_rabbitmq_server(durable=False)))


def _or_fail(start: Callable[[], Server]) -> Server:
    """A missing server is a failure in one sentence, never a skip."""
    try:
        return start()
    except ServerUnavailableError as error:
        reason = "\n".join([str(error), *getattr(error, "__notes__", ())])
    pytest.fail(reason, pytrace=False)
