"""Real servers for the tests that ask for them: one of each a run, a database and a virtual host of its own a test.

The processes that share the tests share the servers, too.
"""

import gc
import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import structlog
from hypothesis import settings

from shared.process import library_logs
from tests.servers.broker import private_rabbitmq_server, rabbitmq_server_for
from tests.servers.choice import ServerUnavailableError
from tests.servers.databases import PostgresServer
from tests.servers.postgres import PrivatePostgres, postgres_server_for, private_postgres_server
from tests.servers.rabbitmq import PrivateRabbitMQ, RabbitMQServer
from tests.servers.shared import offered, shared_postgres, shared_rabbitmq

OFFERED: Final = pytest.StashKey[Path]()
OFFERED_AT: Final = "servers_offered_at"
TESTS: Final = Path(__file__).parent
LONGEST_FIRST: Final = ("deploy", "e2e", "faults", "hostile", "soak", "integration", "contract", "unit")
Server = TypeVar("Server", bound=RabbitMQServer)

# How long an example takes says how busy the machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Take back where a test sent the logs: its capture is closed when the next test logs."""
    yield
    structlog.reset_defaults()
    library_logs.release()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, which would look through everything again and again, then or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose modules take longest: short ones fill what is left of a run evenly."""
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.relative_to(TESTS).parts[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Offer each process that shares the tests the servers of the run."""
    config: pytest.Config = node.config
    if OFFERED not in config.stash:
        running = ExitStack()
        config.add_cleanup(running.close)
        config.stash[OFFERED] = running.enter_context(offered())
    node.workerinput[OFFERED_AT] = str(config.stash[OFFERED])


def offered_at(config: pytest.Config) -> Path | None:
    """Return where the servers of the run are asked for; None in a process that runs all of the tests."""
    offered_at: str | None = getattr(config, "workerinput", {}).get(OFFERED_AT)
    return None if offered_at is None else Path(offered_at)


@pytest.fixture(scope="session")
def rabbitmq_start(request: pytest.FixtureRequest) -> Iterator[Future[RabbitMQServer]]:
    """The broker on its way up. It takes the longest, so other servers start meanwhile."""
    # The pool is left first, and waits: an interrupted run ends also what was still starting.
    with ExitStack() as running, ThreadPoolExecutor(max_workers=1) as pool:

        def start() -> RabbitMQServer:
            shared = shared_rabbitmq(offered_at(request.config), os.environ)
            return shared or running.enter_context(rabbitmq_server_for(os.environ))

        yield pool.submit(start)


@pytest.fixture(scope="session")
def rabbitmq_server(rabbitmq_start: Future[RabbitMQServer]) -> RabbitMQServer:
    """The broker of the run; a test that stops or freezes it wants `private_rabbitmq`."""
    return _or_fail(rabbitmq_start.result)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """The server of the run; a test that stops or freezes it wants `private_postgres`."""
    if any("rabbitmq_start" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("rabbitmq_start")
    with ExitStack() as running:
        shared = shared_postgres(offered_at(request.config), os.environ)
        yield shared or running.enter_context(postgres_server_for(os.environ))


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
