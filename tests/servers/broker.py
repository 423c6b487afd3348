"""Start the RabbitMQ this machine has to offer."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tests.servers.choice import BROKER_URL_VARIABLE, BrokerKind, find_broker
from tests.servers.node import private_node
from tests.servers.rabbitmq import PrivateRabbitMQ, RabbitMQServer, named_rabbitmq_server


@contextmanager
def rabbitmq_server_for(env: Mapping[str, str]) -> Iterator[RabbitMQServer]:
    """The server the environment names, or a private one.

    Raises:
        ServerUnavailableError: when there is none to be had.
    """
    kind = find_broker(env)
    if kind is BrokerKind.NAMED:
        yield named_rabbitmq_server(env)
        return
    with _private(kind, durable=False) as server:
        yield server


@contextmanager
def private_rabbitmq_server(*, durable: bool = True) -> Iterator[PrivateRabbitMQ]:
    """A server of one's own, even where the environment names one: that one is not ours to kill.

    *durable* writes to the disk, as production does; measure with it, test without.

    Raises:
        ServerUnavailableError: when there is neither a Docker engine nor the package rabbitmq-server.
    """
    unnamed = {name: value for name, value in os.environ.items() if name != BROKER_URL_VARIABLE}
    with _private(find_broker(unnamed), durable=durable) as server:
        yield server


def _private(kind: BrokerKind, *, durable: bool) -> AbstractContextManager[PrivateRabbitMQ]:
    if kind is BrokerKind.NODE:
        return private_node(durable=durable)
    # A container's client is slow to import, and of use on few machines.
    from tests.servers.container import private_container

    return private_container()
