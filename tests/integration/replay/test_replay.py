"""`sniper replay`: recorded sightings decided on again, in a sandbox, the same way each time."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from shared.bus.rabbitmq import stream
from shared.events import Event, RawListing, Source, TradeStatus
from shared.settings import BrokerSettings
from shared.wire import topology
from shared.wire.cloudevents import encode
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data.builders import NOON, a_raw_listing, a_trade
from tests.support.running.services import rabbitmq_runtime

MINUTE = timedelta(minutes=1)
Sniper = Callable[..., Result]


@pytest.fixture
def sniper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sniper:
    """Run a command in an empty directory, with these settings and no others."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **variables: CliRunner().invoke(
        app, arguments, env={"COLUMNS": "200", "SNIPER_LOG_LEVEL": "error"} | variables
    )


@pytest.fixture
def replay(sniper: Sniper, postgres_server: PostgresServer) -> Iterator[Sniper]:
    """Replay in a database that holds nothing, a new one each time."""
    made: list[str] = []

    def run(*options: str, **variables: str) -> Result:
        made.append(postgres_server.create_database())
        return sniper("replay", "--database", made[-1], *options, **variables)

    yield run
    for url in made:
        postgres_server.drop_database(url)


def seen(symbol: str, at_minutes: float = 0, **overrides: Any) -> RawListing:
    """A sighting that many minutes after noon."""
    at = NOON + at_minutes * MINUTE
    times = {"listed_at": at, "observed_at": at, "published_at": at + timedelta(milliseconds=3)}
    named = {"id": f"raw-{symbol}-{at_minutes}", "symbol": symbol, "base_asset": symbol.removesuffix("USDT")}
    return a_raw_listing(**{**named, **times, "price": "1.5", **overrides})


def recording() -> list[Event]:
    """What came in half an hour, and what was decided about two of the listings."""
    return [
        seen("AAAUSDT", 0),
        seen("AAAUSDT", 0.1, source=Source.MEXC_REST_API, id="raw-second"),
        seen("BBBUSDT", 1, late=True),
        seen("CCCUSDT", 2, opens_at=NOON + 20 * MINUTE),
        seen("DDDUSDT", 3, tradable=False, not_tradable_reason="its name"),
        seen("EEEUSDT", 30),
        a_trade(
            id="t1", symbol="AAAUSDT", listing_key="AAAUSDT:1", status=TradeStatus.REJECTED, error_reason="halted: me"
        ),
        a_trade(id="t2", symbol="EEEUSDT", listing_key="EEEUSDT:1", status=TradeStatus.FILLED, quote_qty="95.24"),
    ]


def written(path: Path, events: Iterable[Event]) -> Path:
    path.write_bytes(gzip.compress(b"".join(encode(event) + b"\n" for event in events)))
    return path


def decided(result: Result) -> dict[str, tuple[str | None, str]]:
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {each["listing_key"]: (each["then"], each["now"]) for each in lines}


def test_what_was_decided_then_and_now_stands_side_by_side(sniper: Sniper, replay: Sniper, tmp_path: Path) -> None:
    file = str(written(tmp_path / "seen.jsonl.gz", recording()))

    now = decided(sniper("replay", "--from", file, "--json"))
    shown = replay("--from", file).stdout

    assert list(now) == ["AAAUSDT:1", "BBBUSDT:1", "CCCUSDT:1", "DDDUSDT:1", "EEEUSDT:1"]
    assert now["AAAUSDT:1"] == ("refused: halted: me", "buy for 100.00")
    assert now["BBBUSDT:1"][1].startswith("refused: stale_listing")
    assert now["CCCUSDT:1"] == (None, "buy for 100.00, at its opening")
    assert now["DDDUSDT:1"] == (None, "refused: filtered: its name")
    assert now["EEEUSDT:1"][0] == "buy for 95.24"
    assert "6 sightings, 5 listings, 5 decided otherwise" in shown


def test_the_same_file_and_settings_give_the_same_bytes_and_others_do_not(replay: Sniper, tmp_path: Path) -> None:
    burst = [seen(f"X{number}USDT", number / 100) for number in range(14)]
    file = str(written(tmp_path / "seen.jsonl.gz", [*recording(), *burst]))

    first, second = (replay("--from", file, "--json") for _ in range(2))
    paced = replay("--from", file, "--json", "--speed", "100000")
    other = replay("--from", file, "--json", "--set", "max_trade_usdt=50")

    assert first.exit_code == 0
    assert first.stdout_bytes == second.stdout_bytes == paced.stdout_bytes
    assert any("orders_per_minute" in told for _, told in decided(first).values())
    assert decided(other)["AAAUSDT:1"][1] == "buy for 50.00"


def test_a_changed_setting_is_judged_by_what_came(replay: Sniper, tmp_path: Path) -> None:
    file = str(written(tmp_path / "seen.jsonl.gz", [seen(f"X{number}USDT", number / 100) for number in range(5)]))

    few = decided(replay("--from", file, "--json", SNIPER_EXECUTOR_LISTINGS_PER_MINUTE_MAX="3"))
    assert [told for _, told in few.values()][:3] == ["buy for 100.00"] * 3
    assert "mass_listing" in few["X3USDT:1"][1]
    assert few["X4USDT:1"][1].startswith("refused: halted")


def test_a_range_of_time_is_replayed(replay: Sniper, tmp_path: Path) -> None:
    file = str(written(tmp_path / "seen.jsonl.gz", recording()))
    since, until = (f"{NOON + minutes * MINUTE:%Y-%m-%dT%H:%M:%SZ}" for minutes in (1, 3))

    assert list(decided(replay("--from", file, "--since", since, "--until", until, "--json"))) == [
        "BBBUSDT:1",
        "CCCUSDT:1",
    ]


async def _publish(database_url: str, broker_url: str, events: list[Event]) -> None:
    async with rabbitmq_runtime(database_url, broker_url) as runtime:
        for event in events:
            await runtime.bus.publish(topology.to_message(event))  # type: ignore[arg-type]


def test_the_archive_of_a_broker_is_read_kept_and_left_as_it_is(
    sniper: Sniper,
    replay: Sniper,
    broker_url: str,
    database_url: str,
    rabbitmq_server: RabbitMQServer,
    postgres_server: PostgresServer,
) -> None:
    asyncio.run(_publish(database_url, broker_url, recording()))
    vhost, database = rabbitmq_server.create_vhost(), postgres_server.create_database()
    live = {"SNIPER_BROKER_URL": broker_url, "SNIPER_DATABASE_URL": database_url}
    sandbox = ("--broker", rabbitmq_server.url_for(vhost), "--database", database)
    try:
        read = sniper("replay", "--from", "archive", "--save", "kept.jsonl.gz", "--json", *sandbox, **live)
        again = replay("--from", "kept.jsonl.gz", "--json")
        used = sniper("replay", "--from", "kept.jsonl.gz", *sandbox)
    finally:
        rabbitmq_server.delete_vhost(vhost)
        stored = asyncio.run(_count(database))
        postgres_server.drop_database(database)

    assert len(decided(read)) == 5
    assert read.stdout_bytes == again.stdout_bytes
    assert (used.exit_code, "holds exchange sniper.raw already" in used.stderr) == (2, True)
    assert stored == [5, 5]
    assert asyncio.run(_count(database_url)) == [0, 0]


def test_a_broker_that_pauses_is_read_to_the_end(
    broker_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = [seen(f"X{number}USDT", number) for number in range(40)]
    asyncio.run(_publish(database_url, broker_url, events))
    monkeypatch.setattr(stream, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(stream, "PAUSES_MAX", 10_000)

    async def read() -> list[bytes]:
        settings = BrokerSettings(url=broker_url)
        return [body async for body in stream.read_stream(settings, topology.ARCHIVE, None)]

    assert len(asyncio.run(read())) == len(events)


def test_the_archive_of_one_process_is_read_too(sniper: Sniper, replay: Sniper, database_url: str) -> None:
    live = {"SNIPER_DATABASE_URL": database_url}
    assert sniper("inject", "TESTUSDT", **live).exit_code == 0

    assert list(decided(replay("--from", "archive", "--json", **live))) == ["test:TESTUSDT:1"]
    assert asyncio.run(_count(database_url)) == [0, 0]


async def _count(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        tables = ("listings", "trades")
        return [await connection.fetchval(f"SELECT count(DISTINCT listing_key) FROM {table}") for table in tables]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("options", "variables", "told"),
    [
        ((), {"SNIPER_LIVE": "true"}, "SNIPER_LIVE: must not be set for a replay"),
        (("--database", "{live}"), {"SNIPER_DATABASE_URL": "{live}"}, "--database: is SNIPER_DATABASE_URL"),
        (("--database", "{live}"), {}, "--database: holds something already (alembic_version"),
        (("--broker", "amqp://a@127.0.0.1:1/"), {"SNIPER_BROKER_URL": "amqp://a@127.0.0.1:1/"}, "--broker: is SNIPER_"),
        (("--since", "yesterday"), {}, "--since: is a time in ISO 8601 with its offset"),
        (("--since", "2026-03-03T00:00:00Z"), {}, "holds no sighting of a listing in that time"),
        (("--database", "mysql://a@b/c"), {}, "--database: must start with postgres://"),
        (("--broker", "http://a"), {}, "--broker: must start with amqp://"),
    ],
)
def test_what_may_be_live_or_cannot_be_meant_is_refused(
    sniper: Sniper,
    tmp_path: Path,
    database_url: str,
    options: tuple[str, ...],
    variables: dict[str, str],
    told: str,
) -> None:
    file = str(written(tmp_path / "seen.jsonl.gz", recording()))
    words = [each.format(live=database_url) for each in options]

    ended = sniper("replay", "--from", file, *words, **{k: v.format(live=database_url) for k, v in variables.items()})
    assert ended.exit_code == 2, ended.output
    assert told in ended.stderr


@pytest.mark.parametrize(
    ("assignment", "told"),
    [("max_trade_usdt=-5", "max_trade_usdt: Input should be greater than 0"), ("max_trade_usdt", "is not KEY=VALUE")],
)
def test_a_limit_that_cannot_be_is_refused(replay: Sniper, tmp_path: Path, assignment: str, told: str) -> None:
    ended = replay("--from", str(written(tmp_path / "seen.jsonl", recording())), "--set", assignment)

    assert (ended.exit_code, told in ended.stderr) == (2, True), ended.output


def test_a_file_that_is_not_there(sniper: Sniper) -> None:
    ended = sniper("replay", "--from", "nowhere.jsonl")

    assert (ended.exit_code, ended.stderr) == (2, "nowhere.jsonl cannot be read: No such file or directory\n")
