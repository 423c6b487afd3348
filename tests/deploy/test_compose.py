"""deploy/compose.yaml is valid, names only what exists, and opens nothing to other machines."""

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.database import parse_url
from shared.settings import BrokerSettings
from tests.deployments import DEPLOY, is_subcommand, read, unknown_settings

OURS = ("ingest", "dedup", "executor", "persister", "api", "migrate", "simulator")
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

    assert len(ports) == 3
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_without_rights_a_command_that_exists(name: str, compose: dict[str, Any]) -> None:
    service = compose["services"][name]

    assert is_subcommand(service["command"])
    assert service["user"] == "10001:10001"
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert int(service["stop_grace_period"].removesuffix("s")) > STOP_SECONDS


def test_every_variable_and_every_secret_of_ours_is_a_setting(compose: dict[str, Any]) -> None:
    named = [variable for service in compose["services"].values() for variable in service.get("environment", {})]

    assert unknown_settings([*named, *compose["secrets"]]) == []


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


def test_the_secrets_are_made_and_understood(compose: dict[str, Any], tmp_path: Path) -> None:
    command = [sys.executable, str(DEPLOY / "make_secrets.py"), str(tmp_path / "secrets")]

    made = subprocess.run(command, check=False)
    again = subprocess.run(command, check=False, capture_output=True, text=True)

    wanted = {Path(each["file"]).name for each in compose["secrets"].values()}
    secrets = {each.name: each.read_text() for each in (tmp_path / "secrets").iterdir()}
    assert (made.returncode, again.returncode) == (0, 1)
    assert "nothing was changed" in again.stderr
    assert set(secrets) == wanted
    assert parse_url(secrets["sniper_database_url"], variable="it").password == secrets["postgres_password"]
    BrokerSettings.model_validate({"url": secrets["sniper_broker_url"]})


def test_prometheus_asks_every_service(compose: dict[str, Any]) -> None:
    [job] = read(DEPLOY / "prometheus/prometheus.yml")["scrape_configs"]

    [targets] = [each["targets"] for each in job["static_configs"]]
    running = [name for name, each in compose["services"].items() if each.get("command", [""])[0] == "run"]
    assert targets == [f"{name}:9464" for name in running]
