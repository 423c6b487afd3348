"""One broker per test, reached through either adapter of the bus port."""

import pytest

from tests.support.running.buses import Broker, EmbeddedBroker, RabbitBroker


@pytest.fixture(params=["rabbitmq", "embedded"])
def broker(request: pytest.FixtureRequest) -> Broker:
    if request.param == "rabbitmq":
        return RabbitBroker(request.getfixturevalue("broker_url"))
    return EmbeddedBroker(request.getfixturevalue("database_url"))
