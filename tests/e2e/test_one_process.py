"""Every service in one process, with nothing installed beside it: `sniper up` and `sniper demo`."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.postgres import embedded
from shared.postgres.url import driver_url
from tests.servers.ports import free_ports
from tests.support.running.processes import STOP_SECONDS, clean, sniper
from tests.support.running.services import open_database
from tests.support.running.signing_in import signed_in_to
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.support.running.starting import executed
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

ENDED = dict.fromkeys(("api", "dedup", "executor", "ingest", "persister"), "stopped") | {"exits": "error"}
"""Last reported state of each component; an error where a position is not watched any more."""


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
def environment(simulator: SimulatorProcess) -> dict[str, str]:
    return {
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
        "SNIPER_API_PORT": str(free_ports(1)[0]),
    }


async def shown(api: httpx.AsyncClient, what: str, symbol: str) -> dict[str, Any]:
    """Return the row of *symbol* in /listings or /trades once it is there."""

    async def found() -> dict[str, Any] | None:
        items: list[dict[str, Any]] = (await api.get(f"/{what}")).raise_for_status().json()["items"]
        return next((row for row in items if row["symbol"] == symbol), None)

    row: dict[str, Any] | None = await eventually(found, within_seconds=30, every_seconds=0.1)
    assert row is not None
    return row


async def last_words(directory: Path) -> dict[str, str]:
    """Return what the database of a process started in *directory* has of each component, by its name."""
    async with (
        embedded.running(directory / ".sniper") as url,
        open_database(driver_url(url)) as database,
        database.connection() as connection,
    ):
        rows = await connection.fetch("SELECT component_name, status FROM bot_health")
    return {row["component_name"]: row["status"] for row in rows}


def left_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def is_left_running(directory: Path) -> bool:
    """Return whether the database server of a process started in *directory* still runs."""
    return (directory / ".sniper" / "postgres" / "postmaster.pid").exists()


async def test_it_shows_what_it_trades_stops_on_ctrl_c_and_loses_nothing_when_killed(
    environment: dict[str, str], simulator: SimulatorProcess, tmp_path: Path
) -> None:
    async with sniper("up", "--exchange", "mexc", environment=environment, directory=tmp_path, start=executed) as first:
        await first.ready()
        await simulator.list_coin("FIRSTUSDT")
        async with signed_in_to(first) as api:
            assert (await shown(api, "trades", "FIRSTUSDT"))["status"] == "filled"
        await eventually(lambda: "bought   FIRSTUSDT" in first.log.read_text(), within_seconds=5)
        await first.kill()

    await simulator.list_coin("BETWEENUSDT")

    async with sniper(
        "up", "--exchange", "mexc", environment=environment, directory=tmp_path, start=executed
    ) as second:
        await second.ready()
        async with signed_in_to(second) as api:
            between = await shown(api, "listings", "BETWEENUSDT")
            before = await shown(api, "listings", "FIRSTUSDT")
        exit_code = await second.stop(signal.SIGINT)

    assert not is_left_running(tmp_path), second.log.read_text()
    assert await last_words(tmp_path) == ENDED
    assert between["listed_at"] > before["listed_at"]
    assert exit_code == 0


async def test_coin_whose_name_is_of_another_script_is_bought_and_one_that_looks_like_another_is_only_stored(
    environment: dict[str, str], simulator: SimulatorProcess, tmp_path: Path
) -> None:
    async with sniper("up", "--exchange", "mexc", environment=environment, directory=tmp_path) as process:
        await process.ready()
        await simulator.list_coin("龙年大吉USDT")
        await simulator.list_coin("ЕТНUSDT")

        async with signed_in_to(process) as api:
            bought = await shown(api, "trades", "龙年大吉USDT")
            stored = await shown(api, "listings", "ЕТНUSDT")
            rejected = await shown(api, "trades", "ЕТНUSDT")

    assert (bought["status"], bought["mode"]) == ("filled", "dry-run")
    assert (stored["tradable"], stored["not_tradable_reason"]) == (False, "name: looks like another")
    assert rejected["status"] == "rejected"


async def test_the_demo_takes_every_listing_the_whole_way_and_says_how_long_each_stage_took(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "demo", "--listings", "6", "--json"),
        env=clean(),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()

    report = json.loads(output.splitlines()[-1])
    assert process.returncode == 0
    assert {name: report[name] for name in ("detected", "duplicates_dropped", "stored", "traded")} == {
        "detected": 6,
        "duplicates_dropped": 6,
        "stored": 6,
        "traded": 6,
    }
    assert list(report["stages"]) == ["published", "deduplicated", "decided", "answered", "stored"]
    assert all(0 <= stage["p50_ms"] <= stage["p99_ms"] for stage in report["stages"].values())
    assert left_in(tmp_path) == []


async def test_the_demo_stops_on_ctrl_c(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "demo", "--listings", "300"),
        env=clean() | {"SNIPER_LOG_LEVEL": "info"},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while b"listing seen" not in (line := await process.stderr.readline()):
            assert line, "it ended before it had seen a listing"

    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(STOP_SECONDS):
        _, errors = await process.communicate()

    assert process.returncode == 1
    assert errors.endswith(b" of 300 listings were traded\n")
