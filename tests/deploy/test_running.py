"""The services as pods run them: what their probes ask is answered, they start soon, and take little while idle."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests.servers.databases import PostgresServer
from tests.servers.ports import free_ports
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.deployment.kubectl import KubectlMissingError
from tests.support.deployment.manifests import OVERLAYS, pods, render
from tests.support.running.processes import Sniper, sniper
from tests.support.running.simulators import SimulatorProcess, plain_http, running_simulator
from tests.support.running.starting import executed

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

SERVICES: Final = ("ingest", "dedup", "executor", "persister", "api")
BESIDE: Final = ("notifier", "standby")
PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")
START_SECONDS_MAX: Final = 3
READY_SECONDS_MAX: Final = 20
"""By the clock, with whatever else the machine does."""
MEGABYTE: Final = 1_000_000
IDLE_MEGABYTES_MAX: Final = 350
APART_MEGABYTES_MAX: Final = 450


@dataclass(slots=True)
class Idle:
    """The services, each ready, with nothing to do."""

    exchange: SimulatorProcess
    services: dict[str, Sniper] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each took from its start until it was ready."""
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """How much of that it computed, which other processes do not add to."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def idle(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Idle]:
    directory: Path = tmp_path_factory.mktemp("idle")
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(running_simulator())
        environment = {
            "SNIPER_DATABASE_URL": postgres_server.create_migrated_database(),
            "SNIPER_BROKER_URL": rabbitmq_server.url_for(rabbitmq_server.create_vhost()),
            "SNIPER_MEXC_REST_URL": exchange.rest_url,
            "SNIPER_MEXC_WS_URL": exchange.ws_url,
            "SNIPER_API_PORT": str(free_ports(1)[0]),
        }
        found = Idle(exchange)
        for name in (*SERVICES, *BESIDE):
            command = "ingest" if name == "standby" else name
            began = time.monotonic()
            one = await stack.enter_async_context(
                sniper("run", command, environment=environment, directory=directory, start=executed)
            )
            await one.ready()
            found.seconds[name] = time.monotonic() - began
            found.cpu_seconds[name] = await one.cpu_seconds()
            found.services[name] = one
        yield found


@pytest.mark.parametrize("overlay", OVERLAYS)
async def test_what_the_probes_ask_is_answered_by_each_process(idle: Idle, overlay: str) -> None:
    try:
        specs = {name: spec for name, _, spec in pods(render(overlay))}
    except KubectlMissingError as error:
        pytest.fail(str(error), pytrace=False)
    for name, service in idle.services.items():
        [container] = specs["ingest" if name == "standby" else name]["containers"]
        for probe in PROBES:
            answer = await service.get(container[probe]["httpGet"]["path"])
            assert answer.status_code == 200, (name, probe)


async def test_what_the_probes_ask_is_answered_by_the_simulator(idle: Idle) -> None:
    [container] = next(spec for name, _, spec in pods(render("local")) if name == "simulator")["containers"]
    async with plain_http() as client:
        for probe in (each for each in PROBES if each in container):
            answer = await client.get(f"{idle.exchange.rest_url}{container[probe]['httpGet']['path']}")
            assert answer.status_code == 200, probe


async def test_a_service_is_ready_within_three_seconds_of_a_core(idle: Idle) -> None:
    """By what it computes: what others take of the machine meanwhile is not its doing."""
    print(shown("until ready, s", idle.seconds), shown("of which computed, s", idle.cpu_seconds), sep="\n")  # noqa: T201 - figures

    assert {name: seconds for name, seconds in idle.cpu_seconds.items() if seconds >= START_SECONDS_MAX} == {}
    assert {name: seconds for name, seconds in idle.seconds.items() if seconds >= READY_SECONDS_MAX} == {}


async def test_five_idle_services_take_less_than_350_megabytes_of_one_machine(idle: Idle) -> None:
    """PSS counts a page of a library that they share once; RSS, for each who has it, is what five machines have."""
    resident = {name: memory(service, "Rss") for name, service in idle.services.items()}
    proportional = {name: memory(service, "Pss") for name, service in idle.services.items()}
    print(shown("RSS, MB", resident), shown("PSS, MB", proportional), sep="\n")  # noqa: T201 - figures

    assert sum(proportional[name] for name in SERVICES) < IDLE_MEGABYTES_MAX
    assert sum(resident[name] for name in SERVICES) < APART_MEGABYTES_MAX


def memory(service: Sniper, kind: str) -> float:
    """Return the memory of a process in MB, as Linux counts it."""
    rollup = Path(f"/proc/{service.process.pid}/smaps_rollup").read_text()
    found = re.search(rf"^{kind}:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024 / MEGABYTE


def shown(title: str, figures: Mapping[str, float]) -> str:
    """Return a line of figures, with what the five have together."""
    total = sum(figures[name] for name in SERVICES)
    return f"{title}: {', '.join(f'{name} {value:.1f}' for name, value in figures.items())}; the five {total:.1f}"
