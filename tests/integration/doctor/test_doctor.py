"""`sniper doctor` on real servers: each line well, and each wrong in its turn."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

import migrations
from cli.doctor import report
from cli.doctor.finding import Finding, Verdict, exit_code
from shared.events import utc_now
from shared.wire import topology
from tests.servers.databases import PostgresServer
from tests.servers.ports import free_ports
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.deployment.broker_users import set_up
from tests.support.deployment.database_roles import set_up as set_up_roles
from tests.support.running.processes import clean
from tests.support.running.services import open_database, rabbitmq_runtime
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

ALL = ("persister", "dedup", "executor", "ingest", "api")
Look = Callable[..., Awaitable[dict[str, Finding]]]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@pytest.fixture
def variables(simulator: Simulator, database_url: str, broker_url: str, tmp_path: Path) -> dict[str, str]:
    """What an operator has set where all is well."""
    return {
        "SNIPER_BROKER_URL": broker_url,
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_DATA_DIR": str(tmp_path / "data"),
        "SNIPER_MEXC_API_KEY": simulator.api_key,
        "SNIPER_MEXC_API_KEY_CREATED": f"{utc_now():%Y-%m-%d}",
        "SNIPER_MEXC_API_KEY_IP_BOUND": "true",
        "SNIPER_MEXC_API_SECRET": simulator.api_secret,
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
    }


@pytest.fixture
def look(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """Look with these variables instead, at all services unless some are named; findings by what they are about."""
    monkeypatch.chdir(tmp_path)

    async def look(names: Sequence[str] = ALL, **changes: str) -> dict[str, Finding]:
        for name, value in {**variables, **changes}.items():
            monkeypatch.setenv(name, value)
        return {each.part: each for each in await report.findings(names)}

    return look


@pytest.fixture
async def _running(database_url: str, broker_url: str) -> None:
    """The topology as a service makes it, and a service that is heard of."""
    async with rabbitmq_runtime(database_url, broker_url) as runtime, runtime.database.engine.begin() as connection:
        await rows.store(connection, "bot_health", updated_at=utc_now())


def assert_wrong(finding: Finding, told: str, advice: str = "", verdict: Verdict = Verdict.WRONG) -> None:
    assert finding.verdict is verdict, finding
    assert told in finding.told
    assert advice in finding.advice
    assert exit_code([finding]) == (2 if verdict is Verdict.SETTING else 1)


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.usefixtures("_running")
async def test_where_all_is_well_each_thing_has_its_line(look: Look) -> None:
    found = await look()

    assert {name for name, each in found.items() if each.verdict is not Verdict.WELL} == {"trading"}
    assert found["trading"].verdict is Verdict.NOTE
    assert exit_code(found.values()) == 0
    assert list(found) == [
        *("settings", "data directory", "disk", "secrets", "API's transport"),
        *("broker", "broker version", "broker topology", "broker permissions"),
        *("database", "database role", "database schema", "limits", "halts", "trading", "services"),
        *("exchange", "exchange clock", "api key", "key may trade", "key may not withdraw"),
        *("key's addresses", "key's age"),
    ]


@pytest.mark.usefixtures("_running")
async def test_looking_leaves_the_broker_as_it_was(
    look: Look, rabbitmq_server: RabbitMQServer, broker_url: str, database_url: str
) -> None:
    await look()

    async with rabbitmq_runtime(database_url, broker_url):
        with rabbitmq_server.management() as api:
            queues = api.get(f"/api/queues/{make_url(broker_url).database}").json()
    assert {each["name"] for each in queues} == {each.name for each in topology.QUEUES}
    assert [each["name"] for each in queues if each.get("messages")] == []


@pytest.mark.parametrize(
    ("content", "is_"),
    [(b"SNIPER_LIVE=false # caf\xe9\n", "something else in line 1"), ("SNIPER_LIVE=false".encode("utf-16"), "UTF-16")],
    ids=["Latin-1", "UTF-16"],
)
async def test_an_env_file_that_cannot_be_read_hides_no_other_finding(
    look: Look, tmp_path: Path, content: bytes, is_: str
) -> None:
    (tmp_path / ".env").write_bytes(content)

    found = await look()

    assert_wrong(found["settings"], f"must be UTF-8 and is {is_}", verdict=Verdict.SETTING)
    assert found["secrets"].told == "not looked at: .env cannot be read"
    assert exit_code(found.values()) == 2
    assert {"broker", "database", "exchange"} <= set(found)


async def test_doctor_names_keys_that_others_may_read(look: Look, variables: dict[str, str], tmp_path: Path) -> None:
    kept = tmp_path / ".env"
    kept.write_text(f"SNIPER_MEXC_API_SECRET={variables['SNIPER_MEXC_API_SECRET']}\nSNIPER_LIVE=false\n")
    kept.chmod(0o644)
    open_to_all = (await look(SNIPER_API_HOST="0.0.0.0"))["secrets"], (await look())["API's transport"]
    kept.chmod(0o600)
    mended = await look(SNIPER_API_PUBLIC_URL="https://sniper.example.com")

    assert [each.verdict for each in open_to_all] == [Verdict.NOTE, Verdict.NOTE]
    assert open_to_all[0].told == "every user of this machine may read SNIPER_MEXC_API_SECRET in .env"
    assert (mended["secrets"].verdict, mended["API's transport"].verdict) == (Verdict.WELL, Verdict.WELL)


async def test_a_broker_that_is_away(look: Look) -> None:
    found = await look(SNIPER_BROKER_URL=f"amqp://guest:guest@127.0.0.1:{free_ports(1)[0]}/")

    assert_wrong(found["broker"], "nothing listens there: start the broker")
    assert found["broker permissions"].told == "not looked at: the broker is not reached"


async def test_a_broker_that_refuses_the_password(look: Look, broker_url: str) -> None:
    wrong = make_url(broker_url).set(password="wrong").render_as_string(hide_password=False)

    assert_wrong((await look(SNIPER_BROKER_URL=wrong))["broker"], "the user or the password is wrong: correct SNIPER_")


async def test_a_topology_that_nobody_made_is_not_made_by_looking(
    look: Look, rabbitmq_server: RabbitMQServer, broker_url: str
) -> None:
    found = await look()

    with rabbitmq_server.management() as api:
        queues = api.get(f"/api/queues/{make_url(broker_url).database}").json()
    assert queues == []
    assert_wrong(found["broker topology"], "missing: exchange sniper.raw", "deploy/rabbitmq/definitions.json")


async def test_a_user_who_may_not_do_what_the_services_do(
    look: Look, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    with set_up(rabbitmq_server, tmp_path) as users:
        dedup = await look(("dedup",), SNIPER_BROKER_URL=users.url("dedup"))
        stranger = await look(("executor",), SNIPER_BROKER_URL=users.url("dedup"))

    assert dedup["broker permissions"].verdict is Verdict.WELL
    assert_wrong(
        stranger["broker permissions"],
        "publish trade.dry-run.filled to sniper.events",
        "rabbitmqctl set_permissions",
    )
    assert "read executor.listings" in stranger["broker permissions"].told


async def test_the_express_way_under_a_user_and_a_role_of_its_own(
    look: Look, rabbitmq_server: RabbitMQServer, database_url: str, tmp_path: Path
) -> None:
    async with set_up_roles(database_url) as roles:
        with set_up(rabbitmq_server, tmp_path) as users:

            async def as_its_own(name: str) -> dict[str, Finding]:
                async def found() -> dict[str, Finding] | None:
                    of_express = await look(
                        ("express",), SNIPER_BROKER_URL=users.url(name), SNIPER_DATABASE_URL=roles.url(name)
                    )
                    return of_express if of_express["broker"].verdict is Verdict.WELL else None

                found_there = await eventually(found, within_seconds=40)  # A busy broker may not answer in time.
                assert found_there is not None
                return found_there

            own, executor = await as_its_own("express"), await as_its_own("executor")

    assert own["broker permissions"].verdict is own["database role"].verdict is Verdict.WELL
    assert_wrong(executor["broker permissions"], "publish raw.mexc_websocket to sniper.raw")
    assert_wrong(executor["database role"], "lacks", "sniper_express")


async def test_a_database_that_is_away(look: Look) -> None:
    found = await look(SNIPER_DATABASE_URL=f"postgresql://somebody@127.0.0.1:{free_ports(1)[0]}/nothing")

    assert_wrong(found["database"], "Connect", "SNIPER_DATABASE_URL")
    assert found["limits"].told == "not looked at: the database is not reached"


async def test_a_database_that_does_not_exist(look: Look, database_url: str) -> None:
    other = make_url(database_url).set(database="nothing").render_as_string(hide_password=False)

    found = await look(SNIPER_DATABASE_URL=other)
    assert_wrong(found["database"], "create it (CREATE DATABASE", verdict=Verdict.SETTING)


async def test_no_database_and_no_data(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await look(SNIPER_DATABASE_URL="")

    assert_wrong(found["database"], "start `sniper up`, or set SNIPER_DATABASE_URL")


async def test_a_role_that_may_not_write(look: Look, database_url: str, postgres_server: PostgresServer) -> None:
    role = f"reader_{make_url(database_url).database}"
    await execute(
        database_url,
        f"CREATE ROLE {role} LOGIN PASSWORD 'reads'",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT INSERT, UPDATE ON listings, trades, bot_health TO {role}",
    )
    url = make_url(database_url).set(username=role, password="reads").render_as_string(hide_password=False)
    try:
        found, persister = await look(SNIPER_DATABASE_URL=url), await look(("persister",), SNIPER_DATABASE_URL=url)
    finally:
        await execute(database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")

    assert_wrong(
        found["database role"], f'"{role}" of SNIPER_DATABASE_URL lacks INSERT on listing_claims', "sign in as"
    )
    assert found["database role"].advice.startswith("sign in as sniper_persister or sniper_dedup")
    assert persister["database role"].verdict is Verdict.WELL


async def test_a_database_without_the_schema(look: Look, empty_database_url: str) -> None:
    found = await look(SNIPER_DATABASE_URL=empty_database_url)

    assert_wrong(found["database schema"], f"this build needs {migrations.head()}: run `sniper migrate`")
    assert found["database role"].told == found["limits"].told == "not looked at: the schema is not ours"


async def test_a_database_of_a_newer_build(look: Look, database_url: str) -> None:
    await execute(database_url, "UPDATE alembic_version SET version_num = '999'")

    found = await look()
    assert_wrong(found["database schema"], "made by a newer build", verdict=Verdict.SETTING)


async def test_limits_that_are_used_up_and_a_halt(look: Look, database_url: str) -> None:
    async with open_database(database_url) as database, database.engine.begin() as connection:
        await rows.store(connection, "trade_config", halted=True, halted_reason="by hand")
        await rows.store(connection, "bot_health", status="error", detail="cannot see")
    await execute(database_url, "UPDATE exposure SET ceiling_usdt = 500, filled_usdt = 460 WHERE mode = 'live'")

    found = await look()
    assert_wrong(found["limits"], "460.00 of 500.00 USDT are at stake (live)", "raise max_position_usdt")
    assert_wrong(found["halts"], "by hand", "`sniper resume`")
    assert_wrong(found["services"], "ingest error: cannot see", "read their log")


async def test_trading_that_is_armed_and_cannot_go(look: Look, database_url: str) -> None:
    async with open_database(database_url) as database, database.engine.begin() as connection:
        await rows.store(connection, "trade_config", auto_trade=True)
        gates = {"live": "", "keys": "", "clock": "the exchange has not told its time", "reconciled": ""}
        await rows.store(
            connection, "bot_health", component_name="executor", updated_at=utc_now(), facts={"gates": gates}
        )

    found = await look()
    assert_wrong(found["trading"], "clock: the exchange has not told its time", "open what is closed")


async def test_trading_whose_executor_cannot_be_heard_may_be_live(look: Look, database_url: str) -> None:
    async with open_database(database_url) as database, database.engine.begin() as connection:
        await rows.store(connection, "trade_config", auto_trade=True)
        gates = {"live": "", "keys": "", "clock": "", "reconciled": ""}
        await rows.store(connection, "bot_health", component_name="executor", updated_at=NOON, facts={"gates": gates})

    found = await look()
    assert_wrong(found["trading"], "orders may cost money", "the persister")
    assert_wrong(found["services"], "no health is stored since 2026-03-02 12:00:00 UTC", "the persister")


async def test_an_exchange_that_is_away(look: Look) -> None:
    found = await look(SNIPER_MEXC_REST_URL=f"http://127.0.0.1:{free_ports(1)[0]}")

    assert_wrong(found["exchange"], "ConnectError", "SNIPER_MEXC_REST_URL")
    assert found["api key"].told == "not looked at: the exchange is not reached"


@pytest.mark.parametrize("name", ["dedup", "persister", "api", "notifier"])
async def test_an_exchange_that_no_service_examined_asks_is_not_asked(look: Look, name: str) -> None:
    found = await look((name,), SNIPER_MEXC_REST_URL=f"http://127.0.0.1:{free_ports(1)[0]}")

    assert found["exchange"].told == f"not looked at: no need of {name}"
    assert list(found)[-1] == "exchange"


@pytest.mark.parametrize("name", ["ingest", "executor", "express"])
async def test_an_exchange_that_the_service_examined_asks_is_asked(look: Look, name: str) -> None:
    assert (await look((name,)))["exchange"].verdict is Verdict.WELL


async def test_an_exchange_whose_clock_is_not_ours(look: Look) -> None:
    async with simulator_in_this_process(clock_ahead_seconds=30) as ahead:
        found = await look(SNIPER_MEXC_REST_URL=ahead.rest_url)

    assert_wrong(found["exchange clock"], "s from ours", "by NTP")
    assert found["api key"].verdict is Verdict.WELL


@pytest.mark.parametrize(
    ("code", "told", "advice"),
    [
        (10072, "does not know the key", "make another"),
        (700002, "the secret is not that of the key", "SNIPER_MEXC_API_SECRET"),
        (700006, "does not let this machine's address in", "add the address"),
        (700007, "may not read the account", "account reading"),
    ],
)
async def test_a_key_that_is_refused(look: Look, simulator: Simulator, code: int, told: str, advice: str) -> None:
    await simulator.arm("api_error", endpoint="GET /api/v3/account", code=code, message="no")

    found = await look()
    assert_wrong(found["api key"], told, advice)
    assert found["key may not withdraw"].told == "not looked at: the key is refused"


async def test_a_key_that_may_withdraw_and_may_not_trade(look: Look) -> None:
    async with simulator_in_this_process(key_may_trade=False, key_may_withdraw=True) as generous:
        found = await look(SNIPER_MEXC_REST_URL=generous.rest_url)

    assert_wrong(found["key may trade"], "every order will be refused", "allow it spot trading")
    assert_wrong(found["key may not withdraw"], "the exchange tells that it may", "make a key without withdrawal")


async def test_a_key_that_is_bound_to_nothing_and_old(look: Look) -> None:
    found = await look(SNIPER_MEXC_API_KEY_IP_BOUND="false", SNIPER_MEXC_API_KEY_CREATED="2026-01-01")

    assert_wrong(found["key's addresses"], "not bound", "SNIPER_MEXC_API_KEY_IP_BOUND=true")
    assert_wrong(found["key's age"], "it expired on 2026-04-01", "renew it")


async def test_live_trading_without_a_key(look: Look) -> None:
    found = await look(SNIPER_MEXC_API_KEY="", SNIPER_MEXC_API_SECRET="", SNIPER_LIVE="true")

    assert_wrong(found["api key"], "no order can be sent", "set SNIPER_MEXC_API_KEY")


async def test_half_a_key_is_a_wrong_setting(look: Look) -> None:
    found = await look(SNIPER_MEXC_API_SECRET="")

    assert_wrong(found["exchange"], "SNIPER_MEXC_API_SECRET: is missing", verdict=Verdict.SETTING)


async def test_a_disk_without_room_and_a_directory_that_cannot_be(look: Look, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    full, taken = await look(SNIPER_DATA_DIR="/proc/self"), await look(SNIPER_DATA_DIR=str(tmp_path / "file"))
    assert_wrong(full["disk"], "0.0 of 0.0 GiB free", "`sniper archive`")
    assert_wrong(taken["data directory"], "is no directory", "SNIPER_DATA_DIR")


async def test_settings_that_cannot_be_read_and_one_that_nobody_reads(look: Look) -> None:
    bad, misspelt = await look(SNIPER_API_PORT="many"), await look(SNIPER_API_PORT="8000", SNIPER_LIVV="true")

    assert_wrong(bad["settings"], "SNIPER_API_PORT: ", "docs/configuration.md", verdict=Verdict.SETTING)
    assert_wrong(misspelt["settings"], "nobody reads SNIPER_LIVV")


@pytest.mark.parametrize(("changes", "code"), [({}, 1), ({"SNIPER_API_PORT": "many"}, 2)])
def test_a_script_is_told_by_exit_code_and_json(
    variables: dict[str, str], tmp_path: Path, changes: dict[str, str], code: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cli", "doctor", "--json"],
        env=clean() | variables | {"SNIPER_MEXC_REST_URL": "http://127.0.0.1:1"} | changes,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    told: Any = json.loads(ended.stdout)

    assert (ended.returncode, told["exit_code"]) == (code, code)
    assert {"part", "verdict", "told", "advice"} == set(told["findings"][0])
    assert variables["SNIPER_MEXC_API_SECRET"] not in ended.stdout.decode()
