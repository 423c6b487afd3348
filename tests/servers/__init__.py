"""Real servers, started for a run and gone after it; for the tests and for the benchmarks."""

from tests.servers.broker import private_rabbitmq_server
from tests.servers.postgres import private_postgres_server

__all__ = ["private_postgres_server", "private_rabbitmq_server"]
