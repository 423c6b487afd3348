"""Rows that the persister writes of components that report, and of silent ones."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from persister.repository import mark_silent, upsert_health
from persister.silent_components import last_report, put_silent_in_error, watch_for_silence
from shared.events import HealthStatus, utc_now
from shared.postgres.database import Database
from shared.process.heartbeat import SILENCE_MAX, Component
from tests.support.data.builders import NOON, a_health
from tests.support.running.persisting import Writers, rows
from tests.waiting import eventually


async def health(database: Database) -> Mapping[str, Any]:
    [row] = await rows(database, "SELECT component_name, status, last_event_at, updated_at, detail FROM bot_health")
    return row


async def test_a_component_has_one_row_with_its_latest_report(database: Database, writers: Writers) -> None:
    write = writers.to("bot_health", upsert_health)
    await write([a_health(status="running", sent_at=NOON)])
    await write([a_health(status="degraded", sent_at=NOON + timedelta(seconds=5), detail="feed lost")])

    assert await health(database) == {
        "component_name": "executor",
        "status": "degraded",
        "last_event_at": NOON - timedelta(seconds=1),
        "updated_at": NOON + timedelta(seconds=5),
        "detail": "feed lost",
    }


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_an_older_report_that_comes_late_changes_nothing(
    database: Database, writers: Writers, *, together: bool
) -> None:
    write = writers.to("bot_health", upsert_health)
    newer = a_health(status="stopped", sent_at=NOON + timedelta(seconds=5))
    older = a_health(status="running", sent_at=NOON)
    for batch in [[newer, older]] if together else [[newer], [older]]:
        await write(batch)

    assert (await health(database))["status"] == "stopped"


async def test_a_restart_does_not_forget_the_last_event(database: Database, writers: Writers) -> None:
    write = writers.to("bot_health", upsert_health)
    await write([a_health(last_event_at=NOON)])
    await write([a_health(last_event_at=None, sent_at=NOON + timedelta(seconds=5))])

    assert (await health(database))["last_event_at"] == NOON


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
@pytest.mark.parametrize(
    ("end", "seconds"),
    [({"status": "running"}, 4), ({"status": "error", "last": True}, 4), ({"status": "stopped"}, 4), (None, 16)],
    ids=["recovers", "fails", "stops", "is killed"],
)
async def test_of_two_processes_the_worst_is_shown_until_it_is_over(
    database: Database, writers: Writers, *, end: dict[str, Any] | None, seconds: int, together: bool
) -> None:
    write = writers.to("bot_health", upsert_health)
    first = [
        a_health(process="a", status="running", sent_at=NOON),
        a_health(process="b", status="degraded", sent_at=NOON + timedelta(seconds=1)),
        a_health(process="a", status="running", sent_at=NOON + timedelta(seconds=2)),
    ]
    then = [a_health(process="b", sent_at=NOON + timedelta(seconds=3), **end)] if end else []
    then.append(a_health(process="a", status="running", sent_at=NOON + timedelta(seconds=seconds)))
    shown = []
    for reports in (first, then):
        for batch in [reports] if together else [[each] for each in reports]:
            await write(batch)
        shown.append((await health(database))["status"])

    assert shown == ["degraded", "running"]


async def test_a_clock_that_runs_ahead_is_taken_for_the_servers_own(database: Database, writers: Writers) -> None:
    write = writers.to("bot_health", upsert_health)
    await write([a_health(status="running", sent_at=utc_now() + timedelta(hours=1))])
    await write([a_health(status="stopped", sent_at=utc_now() + timedelta(hours=1, seconds=5))])

    row = await health(database)
    assert row["status"] == "stopped"
    assert row["updated_at"] < utc_now() + timedelta(seconds=2)


async def say(writers: Writers, *, status: str = "running", sent_at: datetime) -> None:
    await writers.to("bot_health", upsert_health)([a_health(status=status, sent_at=sent_at)])


async def test_a_component_silent_for_too_long_is_in_error(database: Database, writers: Writers) -> None:
    last_heard = utc_now() - SILENCE_MAX - timedelta(seconds=1)
    await say(writers, sent_at=last_heard)
    await put_silent_in_error(database)

    row = await health(database)
    assert (row["status"], row["detail"]) == ("error", "silent, last said running")
    assert row["updated_at"] == last_heard


async def test_a_status_that_only_a_newer_version_knows_keeps_no_other_component_from_being_judged(
    database: Database, writers: Writers
) -> None:
    for component in ("aaa", "executor"):
        await writers.to("bot_health", upsert_health)([a_health(component=component, sent_at=NOON)])
    async with database.connection() as connection:
        await connection.execute("ALTER TABLE bot_health DROP CONSTRAINT ck_bot_health_status_known")
        await connection.execute("UPDATE bot_health SET status = 'resting' WHERE component_name = 'aaa'")
        await put_silent_in_error(database)
        rows = await connection.fetch("SELECT component_name, status FROM bot_health ORDER BY component_name")

    assert [tuple(row) for row in rows] == [("aaa", "resting"), ("executor", "error")]


async def test_a_component_heard_of_lately_is_believed(database: Database, writers: Writers) -> None:
    await say(writers, sent_at=utc_now() - SILENCE_MAX + timedelta(seconds=3))
    await put_silent_in_error(database)

    assert (await health(database))["status"] == "running"


async def test_a_component_that_said_goodbye_stays_stopped(database: Database, writers: Writers) -> None:
    await say(writers, status="stopped", sent_at=NOON)
    await put_silent_in_error(database)

    assert (await health(database))["status"] == "stopped"


async def test_a_component_that_speaks_again_is_believed_again(database: Database, writers: Writers) -> None:
    await say(writers, sent_at=NOON)
    await put_silent_in_error(database)
    await say(writers, sent_at=utc_now())

    assert (await health(database))["status"] == "running"


async def test_a_heartbeat_that_comes_during_the_judgement_wins(database: Database, writers: Writers) -> None:
    await say(writers, sent_at=NOON)
    await say(writers, sent_at=NOON + timedelta(seconds=1))
    async with database.connection() as connection:
        await mark_silent(connection, "executor", HealthStatus.RUNNING, NOON)

    assert (await health(database))["status"] == "running"


@asynccontextmanager
async def watching(database: Database, **seconds: float) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watch_for_silence(database, stop, every_seconds=0.01, **seconds))
        yield stop
        stop.set()


async def test_the_watch_finds_the_silent_by_itself(database: Database, writers: Writers) -> None:
    await say(writers, sent_at=NOON)

    async def is_in_error() -> bool:
        return bool((await health(database))["status"] == "error")

    async with watching(database, grace_seconds=0):
        await eventually(is_in_error)


async def test_the_watch_judges_nobody_before_everybody_could_be_heard(database: Database, writers: Writers) -> None:
    await say(writers, sent_at=NOON)
    async with watching(database, grace_seconds=3600):
        await asyncio.sleep(0)

    assert (await health(database))["status"] == "running"


async def test_the_persister_writes_its_own_farewell(database: Database) -> None:
    component = Component("persister")
    async with last_report(component, database):
        component.set(HealthStatus.STOPPED)

    row = await health(database)
    assert (row["component_name"], row["status"]) == ("persister", "stopped")


async def test_a_farewell_to_a_database_that_is_away_is_left_unsaid(database: Database) -> None:
    await database.pool.close()
    async with last_report(Component("persister"), database):
        pass


@pytest.mark.parametrize("process", ["a", "b"], ids=["same process", "another"])
async def test_a_row_of_before_the_clocks_were_set_back_is_no_sign_of_life_and_keeps_no_report_out(
    database: Database, writers: Writers, process: str
) -> None:
    write = writers.to("bot_health", upsert_health)
    await write([a_health(process="a", status="degraded", sent_at=utc_now())])
    async with database.connection() as connection:
        await connection.execute("UPDATE bot_health SET updated_at = clock_timestamp() + interval '1 hour'")

    await put_silent_in_error(database)
    silent = await health(database)
    await write([a_health(process=process, status="running", sent_at=utc_now())])
    heard = await health(database)

    assert (silent["status"], silent["detail"]) == ("error", "silent, last said degraded")
    assert heard["status"] == "running"
    assert heard["updated_at"] <= utc_now() + timedelta(seconds=1)
