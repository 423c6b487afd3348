"""deploy/compose.yaml is valid, names only what exists, and opens nothing to other machines."""

import itertools
import json
import re
import stat
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
from notifier.settings import NotifierSettings
from shared.bus import rabbitmq
from shared.postgres.database import parse_url
from shared.settings import MEXC_REST_URL, MEXC_WS_URL, BrokerSettings, ExchangeSettings, load
from shared.wire.topology import SNIPER
from tests.servers.postgres import PrivatePostgres
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.support.deployment.deployments import DEPLOY, SECONDS_TO_STOP, is_subcommand, read, unknown_settings
from tests.waiting import eventually

SERVICES = ("ingest", "dedup", "executor", "express", "persister", "api", "notifier")
"""Whoever signs in, in one composition or the other."""
EXPRESS = "compose.express.yaml"


@pytest.fixture(scope="module", params=["normal", "express"])
def compose(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The system as one file says, or as both say together: what a service has in the second replaces it."""
    document: dict[str, Any] = read(DEPLOY / "compose.yaml")
    if request.param == "express":
        over = read(DEPLOY / EXPRESS)
        for kind, entries in over.items():
            document[kind] |= {name: document[kind].get(name, {}) | entry for name, entry in entries.items()}
    document["services"] = {name: each for name, each in document["services"].items() if "profiles" not in each}
    return document


def ours(compose: dict[str, Any]) -> dict[str, Any]:
    """Return the containers of our own image."""
    return {name: each for name, each in compose["services"].items() if "/Dockerfile" in str(each.get("build"))}


def services(compose: dict[str, Any]) -> list[str]:
    """Return the services of them that run."""
    return [name for name, each in ours(compose).items() if each["command"][0] == "run"]


@pytest.mark.parametrize("name", ["compose.yaml", EXPRESS])
def test_the_file_fits_the_schema_of_compose(name: str) -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")

    jsonschema.validate(read(DEPLOY / name), json.loads(schema))


def test_each_composition_runs_its_services(compose: dict[str, Any], request: pytest.FixtureRequest) -> None:
    absent = {"express"} if request.node.callspec.params["compose"] == "normal" else {"ingest", "executor"}

    assert set(services(compose)) == set(SERVICES) - absent
    assert set(ours(compose)) == {*services(compose), "migrate", "simulator"}


def test_on_the_express_way_a_container_differs_from_the_executors_by_its_command_and_who_it_signs_in_as() -> None:
    plain, over = read(DEPLOY / "compose.yaml")["services"]["executor"], read(DEPLOY / EXPRESS)["services"]["express"]

    assert {name for name in {**plain, **over} if plain.get(name) != over.get(name)} == {"command", "secrets"}
    assert files_of(over) == {
        target: source.replace("executor_", "express_") for target, source in files_of(plain).items()
    }


def test_every_port_is_on_the_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert len(ports) == 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_our_containers_run_without_rights_a_command_that_exists(compose: dict[str, Any]) -> None:
    for name, service in ours(compose).items():
        assert is_subcommand(service["command"]), name
        assert service["user"] == "10001:10001", name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert int(service["stop_grace_period"].removesuffix("s")) > SECONDS_TO_STOP, name


def files_of(service: dict[str, Any]) -> dict[str, str]:
    """Return which secret each file of a container is, by the file's name."""
    given = service.get("secrets", [])
    return {each: each for each in given if isinstance(each, str)} | {
        each["target"]: each["source"] for each in given if not isinstance(each, str)
    }


def test_every_variable_and_every_secret_of_ours_is_a_setting(compose: dict[str, Any]) -> None:
    named = [variable for service in compose["services"].values() for variable in service.get("environment", {})]
    files = [name for each in ours(compose) for name in files_of(compose["services"][each])]

    assert unknown_settings([*named, *files]) == []


def test_every_secret_that_is_given_is_made_and_every_other_is_none(compose: dict[str, Any]) -> None:
    given = {source for service in compose["services"].values() for source in files_of(service).values()}
    unused = {name for name in compose["secrets"] if name.startswith(("ingest_", "executor_"))}

    assert given | unused == set(compose["secrets"])
    assert given >= unused or "express" in compose["services"]


def test_each_service_signs_in_as_itself_alone(compose: dict[str, Any]) -> None:
    for name in services(compose):
        files = files_of(compose["services"][name])
        assert files["sniper_database_url"] == f"{name}_database_url"
        assert files["sniper_broker_url"] == f"{name}_broker_url"
        assert not {each for each in files.values() if each.endswith("_url") and not each.startswith(f"{name}_")}


def test_only_the_executor_is_given_the_keys_of_the_exchange(compose: dict[str, Any]) -> None:
    holders = [name for name, each in compose["services"].items() if "sniper_mexc_api_key" in each.get("secrets", [])]

    assert holders == [trading(compose)]


@pytest.mark.parametrize(
    ("variables", "rest", "websocket"),
    [
        ({}, "http://simulator:8080", "ws://simulator:8080/ws"),
        ({"SNIPER_MEXC_REST_URL": "", "SNIPER_MEXC_WS_URL": ""}, MEXC_REST_URL, MEXC_WS_URL),
        ({"SNIPER_MEXC_REST_URL": "http://other", "SNIPER_MEXC_WS_URL": "ws://other"}, "http://other", "ws://other"),
    ],
)
def test_the_exchange_is_the_simulator_or_the_one_that_variables_name(
    compose: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    rest: str,
    websocket: str,
) -> None:
    asking = ["express"] if "express" in compose["services"] else ["ingest", "executor"]
    for name in asking:
        for variable, value in compose["services"][name]["environment"].items():
            monkeypatch.setenv(variable, interpolated(value, variables))
        settings = load(ExchangeSettings)
        assert (settings.mexc_rest_url, settings.mexc_ws_url) == (rest, websocket), name


def interpolated(value: str, variables: dict[str, str]) -> str:
    """Return *value* with `${NAME-DEFAULT}` as Compose fills it in: the default only where there is no variable."""
    return re.sub(r"\$\{(\w+)-([^}]*)\}", lambda found: variables.get(found[1], found[2]), value)


def trading(compose: dict[str, Any]) -> str:
    """Return the service that sends orders."""
    return "express" if "express" in compose["services"] else "executor"


def test_what_is_waited_for_can_become_so(compose: dict[str, Any]) -> None:
    services = compose["services"]

    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            checked = "healthcheck" in services[name]
            completes = wait["condition"] == "service_completed_successfully" and services[name]["restart"] == "no"
            assert completes or (wait["condition"] == "service_healthy" and checked), name


def test_everything_that_stays_is_checked_for_health(compose: dict[str, Any]) -> None:
    """The image of ours brings its own check."""
    others = {name: each for name, each in compose["services"].items() if name not in ours(compose)}
    unchecked = [name for name, each in others.items() if "healthcheck" not in each]

    assert unchecked == []


def test_the_executor_knows_the_age_of_its_key(compose: dict[str, Any], secrets: dict[str, str]) -> None:
    file = files_of(compose["services"][trading(compose)])["sniper_mexc_api_key_created"]

    made = ExchangeSettings.model_validate({"mexc_api_key_created": secrets[file]})

    assert made.mexc_api_key_created is not None


def test_the_notifier_takes_commands_once_its_bot_has_a_token(
    compose: dict[str, Any], secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notifier = compose["services"]["notifier"]
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for name in ("sniper_notifier_urls", "sniper_notifier_telegram_token"):
        (mounted / name).write_text(secrets[files_of(notifier)[name]])

    def settings(**variables: str) -> NotifierSettings:
        for variable, value in notifier["environment"].items():
            monkeypatch.setenv(variable, interpolated(value, variables))
        return NotifierSettings(_secrets_dir=mounted)

    assert not settings().is_configured
    (mounted / "sniper_notifier_telegram_token").write_text("123:abc\n")
    assert settings(SNIPER_NOTIFIER_TELEGRAM_USERS="7,8").telegram_users == {7, 8}


def test_the_secrets_are_made_and_understood(compose: dict[str, Any], tmp_path: Path) -> None:
    command = [sys.executable, str(DEPLOY / "make_secrets.py"), str(tmp_path / "secrets")]

    made = subprocess.run(command, check=False)
    again = subprocess.run(command, check=False, capture_output=True, text=True)

    both = {**compose["secrets"], **read(DEPLOY / EXPRESS)["secrets"]}
    wanted = {Path(each["file"]).name for each in both.values()}
    secrets = {each.name: each.read_text() for each in (tmp_path / "secrets").iterdir()}
    assert (made.returncode, again.returncode) == (0, 1)
    assert "nothing was changed" in again.stderr
    assert set(secrets) == wanted
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "secrets").iterdir()} == {0o644}, "all containers read"
    assert parse_url(secrets["migrate_database_url"], variable="it").password == secrets["postgres_password"]
    users = {each["name"]: each["password_hash"] for each in json.loads(secrets["rabbitmq_definitions.json"])["users"]}
    for name in SERVICES:
        url = parse_url(secrets[f"{name}_database_url"], variable="it")
        assert f"CREATE ROLE {url.username} LOGIN PASSWORD '{url.password}';" in secrets["postgres_roles.sql"]
        assert url.username in roles.names()
        BrokerSettings.model_validate({"url": secrets[f"{name}_broker_url"]})
        assert users[f"sniper-{name}"]
    assert [name for name, password in users.items() if not password] == ["sniper-reader", "sniper-replay"]


def test_a_directory_that_is_there_is_closed_to_others_before_it_holds_a_secret(tmp_path: Path) -> None:
    """Each file can be read by any user, as containers' users need: the directory alone keeps others out."""
    directory = tmp_path / "secrets"
    directory.mkdir(mode=0o755)
    subprocess.run([sys.executable, str(DEPLOY / "make_secrets.py"), str(directory)], check=True)

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


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
    [named, *_] = compose["services"]["prometheus"].get("command", ["prometheus.yml"])
    named = named.rpartition("/")[2]
    [job, *_] = read(DEPLOY / "prometheus" / named)["scrape_configs"]

    [targets] = [each["targets"] for each in job["static_configs"]]
    running = [name for name, each in compose["services"].items() if each.get("command", [""])[0] == "run"]
    assert sorted(targets) == sorted(f"{name}:9464" for name in running)


def test_what_takes_a_composition_down_takes_down_every_service_of_both() -> None:
    """A process of the other composition that is left behind goes on trading."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted((DEPLOY.parent / "docs").glob("*.md")))
    normal, express = read(DEPLOY / "compose.yaml"), read(DEPLOY / EXPRESS)
    profiles = {profile for each in express["services"].values() for profile in each.get("profiles", [])}
    downs = re.findall(r"docker compose [^`\n]*?\bdown\b[^`\n]*", text)

    assert len(downs) == 2
    for words in map(str.split, downs):
        assert {after for each, after in itertools.pairwise(words) if each == "--profile"} == profiles
        files = {DEPLOY.parent / after for each, after in itertools.pairwise(words) if each == "-f"}
        assert files == {DEPLOY / "compose.yaml", DEPLOY / EXPRESS}
        assert "--remove-orphans" in words
    assert {"ingest", "executor", "express"} <= {*normal["services"], *express["services"]}
