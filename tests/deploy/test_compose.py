"""deploy/compose.yaml is valid, names only what exists, and opens nothing to other machines."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema
import pytest
from sqlalchemy import make_url

from migrations import roles
from shared.bus import rabbitmq
from shared.postgres.database import parse_url
from shared.settings import BrokerSettings, ExchangeSettings
from shared.wire.topology import SNIPER
from tests.servers.postgres import PrivatePostgres
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.support.deployment.deployments import DEPLOY, is_subcommand, read, unknown_settings
from tests.waiting import eventually

SERVICES = ("ingest", "dedup", "executor", "persister", "api", "notifier")
OURS = (*SERVICES, "migrate", "simulator")
STOP_SECONDS = 15


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = read(DEPLOY / "compose.yaml")
    return document


def test_the_file_fits_the_schema_of_compose(compose: dict[str, Any]) -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")

    jsonschema.validate(compose, json.loads(schema))


def test_every_port_is_on_the_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert len(ports) == 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_without_rights_a_command_that_exists(name: str, compose: dict[str, Any]) -> None:
    service = compose["services"][name]

    assert is_subcommand(service["command"])
    assert service["user"] == "10001:10001"
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def files_of(service: dict[str, Any]) -> dict[str, str]:
    """Return which secret each file of a container is, by the file's name."""
    given = service.get("secrets", [])
    return {each: each for each in given if isinstance(each, str)} | {
        each["target"]: each["source"] for each in given if not isinstance(each, str)
    }


def test_every_variable_and_every_secret_of_ours_is_a_setting(compose: dict[str, Any]) -> None:
    named = [variable for service in compose["services"].values() for variable in service.get("environment", {})]
    files = [name for each in OURS for name in files_of(compose["services"][each])]

    assert unknown_settings([*named, *files]) == []


def test_every_secret_that_is_given_is_made_and_every_other_is_none(compose: dict[str, Any]) -> None:
    given = {source for service in compose["services"].values() for source in files_of(service).values()}

    assert given == set(compose["secrets"])


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_signs_in_as_itself_alone(name: str, compose: dict[str, Any]) -> None:
    files = files_of(compose["services"][name])

    assert files["sniper_database_url"] == f"{name}_database_url"
    assert files["sniper_broker_url"] == f"{name}_broker_url"
    assert not {each for each in files.values() if each.endswith("_url") and not each.startswith(f"{name}_")}


def test_only_the_executor_is_given_the_keys_of_the_exchange(compose: dict[str, Any]) -> None:
    holders = [name for name, each in compose["services"].items() if "sniper_mexc_api_key" in each.get("secrets", [])]

    assert holders == ["executor"]


def test_what_is_waited_for_can_become_so(compose: dict[str, Any]) -> None:
    services = compose["services"]

    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            checked = "healthcheck" in services[name]
            completes = wait["condition"] == "service_completed_successfully" and services[name]["restart"] == "no"
            assert completes or (wait["condition"] == "service_healthy" and checked), name


def test_everything_that_stays_is_checked_for_health(compose: dict[str, Any]) -> None:
    """The image of ours brings its own check."""
    unchecked = [name for name, each in compose["services"].items() if "healthcheck" not in each and name not in OURS]

    assert unchecked == []


def test_the_executor_knows_the_age_of_its_key(compose: dict[str, Any], secrets: dict[str, str]) -> None:
    file = files_of(compose["services"]["executor"])["sniper_mexc_api_key_created"]

    made = ExchangeSettings.model_validate({"mexc_api_key_created": secrets[file]})

    assert made.mexc_api_key_created is not None


def test_the_secrets_are_made_and_understood(compose: dict[str, Any], tmp_path: Path) -> None:
    command = [sys.executable, str(DEPLOY / "make_secrets.py"), str(tmp_path / "secrets")]

    made = subprocess.run(command, check=False)
    again = subprocess.run(command, check=False, capture_output=True, text=True)

    wanted = {Path(each["file"]).name for each in compose["secrets"].values()}
    secrets = {each.name: each.read_text() for each in (tmp_path / "secrets").iterdir()}
    assert (made.returncode, again.returncode) == (0, 1)
    assert "nothing was changed" in again.stderr
    assert set(secrets) == wanted
    assert parse_url(secrets["migrate_database_url"], variable="it").password == secrets["postgres_password"]
    users = {each["name"]: each["password_hash"] for each in json.loads(secrets["rabbitmq_definitions.json"])["users"]}
    for name in SERVICES:
        url = parse_url(secrets[f"{name}_database_url"], variable="it")
        assert f"CREATE ROLE {url.username} LOGIN PASSWORD '{url.password}';" in secrets["postgres_roles.sql"]
        assert url.username in roles.names()
        BrokerSettings.model_validate({"url": secrets[f"{name}_broker_url"]})
        assert users[f"sniper-{name}"]
    assert [name for name, password in users.items() if not password] == ["sniper-reader", "sniper-replay"]


def test_the_secrets_can_be_those_of_a_cluster(tmp_path: Path) -> None:
    hosts = ("--broker", "sniper.sniper-data", "--database", "sniper-rw.sniper-data", "--tls")
    subprocess.run([sys.executable, str(DEPLOY / "make_secrets.py"), str(tmp_path), *hosts], check=True)

    for name in SERVICES:
        broker = make_url((tmp_path / f"{name}_broker_url").read_text())
        assert (broker.drivername, broker.host, broker.port) == ("amqps", hosts[1], 5671)
        assert make_url((tmp_path / f"{name}_database_url").read_text()).query == {"sslmode": "verify-full"}
        assert make_url((tmp_path / f"{name}_database_url").read_text()).host == hosts[3]
    assert make_url((tmp_path / "migrate_database_url").read_text()).host == hosts[3]


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    """Return what an operator makes, by the file's name."""
    subprocess.run([sys.executable, str(DEPLOY / "make_secrets.py"), str(tmp_path)], check=True)
    return {each.name: each.read_text() for each in tmp_path.iterdir()}


async def test_what_is_made_sets_up_a_real_broker_and_a_real_database(
    private_postgres: Callable[[], PrivatePostgres],
    private_rabbitmq: Callable[[], PrivateRabbitMQ],
    secrets: dict[str, str],
) -> None:
    server, broker = private_postgres(), private_rabbitmq()
    owner = await asyncpg.connect(server.create_migrated_database())
    await owner.execute(secrets["postgres_roles.sql"])
    await owner.execute(roles.script())
    await owner.close()
    with broker.management() as api:
        api.post("/api/definitions", json=json.loads(secrets["rabbitmq_definitions.json"])).raise_for_status()

    for name in SERVICES:
        url = make_url(secrets[f"{name}_broker_url"])
        own = make_url(broker.url_for("/")).set(username=url.username, password=url.password)
        settings = BrokerSettings.model_validate({"url": own.render_as_string(hide_password=False)})
        async with rabbitmq.connect(settings, SNIPER, name=name) as bus:
            await eventually(bus.is_connected, within_seconds=30)


def test_prometheus_asks_every_service(compose: dict[str, Any]) -> None:
    [job, *_] = read(DEPLOY / "prometheus/prometheus.yml")["scrape_configs"]

    [targets] = [each["targets"] for each in job["static_configs"]]
    running = [name for name, each in compose["services"].items() if each.get("command", [""])[0] == "run"]
    assert targets == [f"{name}:9464" for name in running]
