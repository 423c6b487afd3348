"""Encrypted connections to a real broker and a real database: the right certificate is taken, every other is named."""

import datetime as dt
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest
import structlog
from cryptography import x509

from shared.bus import rabbitmq
from shared.bus.rabbitmq import RabbitBus
from shared.bus.rabbitmq.inspection import inspecting
from shared.bus.rabbitmq.stream import read_stream
from shared.errors import SettingsError, SniperError, TransientError
from shared.postgres import database
from shared.postgres.database import Database
from shared.postgres.dialling import certificate_expiry
from shared.postgres.tls_root import with_authority
from shared.settings import BrokerSettings, DatabaseSettings
from shared.wire import topology
from tests.servers.choice import ServerUnavailableError
from tests.servers.encrypted import EncryptedPostgres, EncryptedRabbitMQ, encrypted_postgres, encrypted_rabbitmq
from tests.support.fakes.certificates import Authority
from tests.support.running.processes import Sniper, sniper
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)

ENDED: Final = dt.timedelta(days=-1)
ELSEWHERE: Final = x509.DNSName("elsewhere.example")
PRESENTED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "expired": ({"ends_in": ENDED}, "is refused (certificate has expired): renew it there"),
    "another's": ({"names": ELSEWHERE}, "is another's (IP address mismatch, certificate is not valid for '127.0.0.1')"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Authority:
    return Authority.made(folder, "ours")


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    return Authority.made(folder, "stranger")


@pytest.fixture(scope="module")
def postgres(ours: Authority) -> Iterator[EncryptedPostgres]:
    try:
        with encrypted_postgres(ours) as running:
            yield running
    except ServerUnavailableError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def broker(ours: Authority, folder: Path) -> Iterator[EncryptedRabbitMQ]:
    try:
        with encrypted_rabbitmq(ours, folder) as running:
            yield running
    except ServerUnavailableError as error:
        pytest.fail(str(error), pytrace=False)


@asynccontextmanager
async def opened(url: str, authority: Path | None) -> AsyncIterator[Database]:
    settings = DatabaseSettings.model_validate({"url": url, "ca_file": authority})
    parsed = with_authority(database.parse_url(url, variable="SNIPER_DATABASE_URL"), settings.ca_file)
    async with database.connect(settings, parsed, name="test") as running:
        yield running


def bus(url: str, authority: Path | None) -> Any:
    settings = BrokerSettings.model_validate({"url": url, "ca_file": authority})
    return rabbitmq.connect(settings, topology.SNIPER, name="test")


@asynccontextmanager
async def presenting(server: EncryptedPostgres | EncryptedRabbitMQ, ours: Authority, **how: Any) -> AsyncIterator[None]:
    """Have the server show another certificate for the time of the block."""
    server.present(ours, **how)
    try:
        yield
    finally:
        server.present(ours)


async def test_the_database_is_reached_by_its_certificate_alone(postgres: EncryptedPostgres, ours: Authority) -> None:
    by_url = f"{postgres.url}?sslmode=verify-full&sslrootcert={ours.path}"
    for url, authority in ((postgres.url, ours.path), (by_url, None), (by_url, ours.path)):
        async with opened(url, authority) as running, running.connection() as connection:
            assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(postgres.url, ssl="disable")


async def refusal_of_database(url: str, authority: Path) -> SniperError:
    with pytest.raises((SettingsError, TransientError)) as refused:
        async with opened(url, authority):
            pass
    return refused.value


@pytest.mark.parametrize("case", PRESENTED)
async def test_a_databases_certificate_that_is_wrong_is_named(
    postgres: EncryptedPostgres, ours: Authority, case: str
) -> None:
    how, words = PRESENTED[case]
    async with presenting(postgres, ours, **how):

        async def said() -> str:
            try:
                return str(await refusal_of_database(postgres.url, ours.path))
            except pytest.fail.Exception:
                return ""  # The server has not taken it up yet.

        sentence = await eventually(said)
    async with opened(postgres.url, ours.path):
        pass

    assert sentence.startswith("the database is not believed: the certificate of the server in SNIPER_DATABASE_URL ")
    assert words in sentence


async def test_a_database_of_a_stranger_is_not_believed(postgres: EncryptedPostgres, stranger: Authority) -> None:
    refused = await refusal_of_database(postgres.url, stranger.path)

    assert isinstance(refused, SettingsError)
    assert str(refused) == (
        "the database is not believed: the certificate of the server in SNIPER_DATABASE_URL is vouched for by nobody "
        "we believe (unable to get local issuer certificate): "
        "name its authority's certificate in SNIPER_DATABASE_CA_FILE"
    )


async def test_the_broker_is_reached_by_its_certificate(broker: EncryptedRabbitMQ, ours: Authority) -> None:
    async with bus(broker.url, ours.path) as running:
        connected: RabbitBus = running
        await eventually(connected.is_connected, within_seconds=30)


async def test_commands_reach_the_broker_by_the_same_certificate(broker: EncryptedRabbitMQ, ours: Authority) -> None:
    settings = BrokerSettings.model_validate({"url": broker.url, "ca_file": ours.path})
    async with bus(broker.url, ours.path) as running:
        connected: RabbitBus = running
        await eventually(connected.is_connected, within_seconds=30)

    async with inspecting(settings) as examination:
        assert "RabbitMQ" in examination.version()
    assert [body async for body in read_stream(settings, topology.ARCHIVE, None)] == []


async def said_of_broker(url: str, authority: Path | None) -> str:
    with structlog.testing.capture_logs() as lines:
        async with bus(url, authority):
            await eventually(lambda: [line for line in lines if line["event"] == "broker away, trying on"])
    return str(next(line["reason"] for line in lines if line["event"] == "broker away, trying on"))


@pytest.mark.parametrize("case", PRESENTED)
async def test_a_brokers_certificate_that_is_wrong_is_named(
    broker: EncryptedRabbitMQ, ours: Authority, case: str
) -> None:
    how, words = PRESENTED[case]
    async with presenting(broker, ours, **how):
        sentence = await said_of_broker(broker.url, ours.path)

    assert sentence.startswith("broker away: the certificate of the server in SNIPER_BROKER_URL ")
    assert words in sentence


@pytest.mark.parametrize("with_file", [True, False])
async def test_a_broker_of_a_stranger_is_not_believed(
    broker: EncryptedRabbitMQ, stranger: Authority, with_file: bool
) -> None:
    sentence = await said_of_broker(broker.url, stranger.path if with_file else None)

    assert sentence == (
        "broker away: the certificate of the server in SNIPER_BROKER_URL is vouched for by nobody we believe "
        "(self-signed certificate in certificate chain): name its authority's certificate in SNIPER_BROKER_CA_FILE"
    )


def shown_end(server: EncryptedPostgres | EncryptedRabbitMQ) -> float:
    """Return when the certificate ends that *server* was given last."""
    presented = x509.load_pem_x509_certificate((server.directory / "server.crt").read_bytes())
    return presented.not_valid_after_utc.timestamp()


async def test_the_end_of_a_brokers_certificate_is_read_and_that_of_the_next(
    broker: EncryptedRabbitMQ, ours: Authority
) -> None:
    settings = BrokerSettings.model_validate({"url": broker.url, "ca_file": ours.path})
    plain = BrokerSettings.model_validate({"url": broker.node.url_for("/")})

    first, ends = await rabbitmq.certificate_expiry(settings), shown_end(broker)
    async with presenting(broker, ours, ends_in=dt.timedelta(days=3)):
        second, ends_later = await rabbitmq.certificate_expiry(settings), shown_end(broker)

    assert (first, second) == (ends, ends_later)
    assert ends_later > ends
    assert await rabbitmq.certificate_expiry(plain) is None


async def test_the_end_of_a_databases_certificate_is_read_and_that_of_the_next(
    postgres: EncryptedPostgres, ours: Authority
) -> None:
    async def read(parameters: str) -> float | None:
        url = database.parse_url(f"{postgres.url}{parameters}", variable="SNIPER_DATABASE_URL")
        return await certificate_expiry(DatabaseSettings(), url, name="test")

    async def shows_the_last() -> bool:
        return await read(f"?sslmode=verify-full&sslrootcert={ours.path}") == shown_end(postgres)

    ends = shown_end(postgres)
    await eventually(shows_the_last)
    async with presenting(postgres, ours, ends_in=dt.timedelta(days=3)):
        assert shown_end(postgres) > ends
        await eventually(shows_the_last)

    assert await read("?sslmode=require") is None, "nobody checks it"


async def test_a_port_without_tls_is_named(broker: EncryptedRabbitMQ, ours: Authority) -> None:
    plain = broker.node.url_for("/").replace("amqp://", "amqps://")

    assert "what answers speaks no TLS: correct the port or the amqps:// in SNIPER_BROKER_URL" in await said_of_broker(
        plain, ours.path
    )


@pytest.mark.parametrize(
    ("scheme", "content", "words"),
    [
        ("amqps", None, "cannot be read: No such file or directory"),
        ("amqps", "no certificate", "cannot be used: "),
        ("amqp", "no certificate", "nothing is encrypted with amqp://: write amqps:// in SNIPER_BROKER_URL"),
    ],
)
async def test_an_authority_of_no_use_to_the_broker_ends_the_start(
    tmp_path: Path, scheme: str, content: str | None, words: str
) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SettingsError) as refused:
        async with bus(f"{scheme}://guest:guest@127.0.0.1/", file):
            pass

    assert str(refused.value).startswith("SNIPER_BROKER_CA_FILE: ")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("?sslmode=disable", "nothing is checked with sslmode=disable: write sslmode=verify-full"),
        ("?sslmode=require", "nothing is checked with sslmode=require: write sslmode=verify-full"),
        ("?sslmode=verify-ca&sslrootcert=/other.pem", "SNIPER_DATABASE_URL names another file (sslrootcert)"),
    ],
)
async def test_an_authority_of_no_use_to_the_database_is_named(tmp_path: Path, parameters: str, words: str) -> None:
    refused = await refusal_of_database(f"postgresql://u@127.0.0.1/d{parameters}", tmp_path / "authority.pem")

    assert str(refused).startswith("SNIPER_DATABASE_CA_FILE: ")
    assert words in str(refused)


async def test_a_service_runs_over_tls_and_one_that_trusts_another_authority_ends_with_a_sentence(
    broker: EncryptedRabbitMQ, postgres: EncryptedPostgres, ours: Authority, stranger: Authority, tmp_path: Path
) -> None:
    environment = {
        "SNIPER_DATABASE_URL": postgres.url,
        "SNIPER_DATABASE_CA_FILE": str(ours.path),
        "SNIPER_BROKER_URL": broker.url,
        "SNIPER_BROKER_CA_FILE": str(ours.path),
    }
    misled = environment | {"SNIPER_DATABASE_CA_FILE": str(stranger.path)}
    async with AsyncExitStack() as running:

        async def run(*command: str, under: dict[str, str] = environment) -> Sniper:
            return await running.enter_async_context(sniper(*command, environment=under, directory=tmp_path))

        migration = await run("migrate")
        assert await migration.process.wait() == 0, migration.log.read_text()
        dedup = await run("run", "dedup")
        await dedup.ready()
        wanted = {"broker": shown_end(broker), "database": shown_end(postgres)}

        async def shows_both() -> bool:
            metrics = (await dedup.get("/metrics")).text
            found = re.findall(r'^sniper_server_certificate_expiry\w+{server="(\w+)"} (\S+)$', metrics, re.MULTILINE)
            return {server: float(end) for server, end in found} == wanted

        await eventually(shows_both)

        refused = await run("run", "persister", under=misled)
        assert await refused.process.wait() == 2
        assert refused.log.read_text().count("\n") == 1
        assert "name its authority's certificate in SNIPER_DATABASE_CA_FILE" in refused.log.read_text()
