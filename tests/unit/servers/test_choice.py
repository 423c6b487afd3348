import pytest

from tests.servers.choice import BrokerKind, ServerUnavailableError, choose_broker, postgres_source

NAMED = {"SNIPER_TEST_BROKER_URL": "amqp://broker"}


def test_a_named_broker_comes_before_everything_else() -> None:
    assert choose_broker(NAMED, docker_answers=True, node_installed=True) is BrokerKind.NAMED


def test_docker_comes_before_the_installed_package() -> None:
    assert choose_broker({}, docker_answers=True, node_installed=True) is BrokerKind.CONTAINER


def test_the_installed_package_is_used_without_docker() -> None:
    assert choose_broker({}, docker_answers=False, node_installed=True) is BrokerKind.NODE


def test_an_empty_variable_names_no_broker() -> None:
    env = {"SNIPER_TEST_BROKER_URL": ""}

    assert choose_broker(env, docker_answers=False, node_installed=True) is BrokerKind.NODE


def test_without_any_broker_one_sentence_names_the_three_ways_to_get_one() -> None:
    with pytest.raises(ServerUnavailableError) as failure:
        choose_broker({}, docker_answers=False, node_installed=False)

    sentence = str(failure.value)
    assert "\n" not in sentence
    assert all(way in sentence for way in ("SNIPER_TEST_BROKER_URL", "Docker engine", "rabbitmq-server"))


def test_a_named_database_server_is_told_apart_from_the_wheel() -> None:
    assert "SNIPER_TEST_DATABASE_URL" in postgres_source({"SNIPER_TEST_DATABASE_URL": "postgresql://server"})
    assert "wheel" in postgres_source({})
