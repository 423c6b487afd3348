"""The event stream: what is stored comes to every client, once, in order, and nothing is missed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

import migrations
from api.operator import trade_config
from api.reading.statistics import listing_stats
from api.streaming import event_log
from api.streaming.hub import OF_ONE_TOKEN_MAX
from shared.postgres.database import Database
from tests.servers.postgres import PrivatePostgres
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.event_streams import EventClient, listening
from tests.support.running.serving_api import ServedApi, serving_api
from tests.waiting import eventually

INSERT = "INSERT INTO listings (symbol, listed_at, source, listing_key) VALUES ($1, now(), 'mexc_websocket', $1)"


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[ServedApi]:
    async with serving_api(database_url) as served:
        yield served


async def store(database: Database, table: str, **row: Any) -> None:
    async with database.engine.begin() as connection:
        await rows.store(connection, table, **row)


async def list_coins(database: Database, *symbols: str) -> None:
    async with database.connection() as connection:
        for symbol in symbols:
            await connection.execute(INSERT, symbol)


def symbols(client: EventClient, kind: str = "listing") -> list[str]:
    return [data["symbol"] for data in client.data_of(kind)]


async def test_a_stream_begins_with_its_position_and_every_state(api: ServedApi) -> None:
    async with listening(api.client) as client:
        assert await client.first("hello") == {"position": 0}
        assert (await client.first("status"))["trading"] == "dry-run"
        assert (await client.first("health"))["version"]
        assert await client.first("held") == []
        assert (await client.first("trade_stats"))["modes"][0]["count"] == 0
        assert (await client.first("listing_stats"))["total"] == 0
        assert (await client.first("upcoming"))["items"] == []
        assert (await client.first("results"))["modes"][0]["all_time_usdt"] == "0.00"
        assert (await client.first("monitor"))["paused"] is False
        assert (await client.first("heartbeat", within_seconds=7))["database"] is True


async def test_what_is_stored_comes_as_the_lists_show_it(api: ServedApi) -> None:
    async with listening(api.client) as client:
        await client.first("status")
        for table in ("listings", "trades", "positions"):
            await store(api.database, table)
        for kind, path in (("listing", "/listings"), ("trade", "/trades"), ("position", "/positions")):
            shown = (await api.client.get(path)).json()["items"]
            assert [await client.first(kind)] == shown
        positions = [event.id for event in client.of("listing", "trade", "position")]
        assert positions == [1, 2, 3]


def has_counted(client: EventClient, count: int) -> bool:
    return bool(client.data_of("listing_stats")[-1]["total"] == count)


async def test_summaries_follow_what_happens_and_are_read_once_for_all_clients(
    api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0

    async def counted(*of: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*of)

    read = listing_stats.read
    monkeypatch.setattr("api.reading.summaries.listing_stats.read", counted)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(listening(api.client)) for _ in range(10)]
        for client in clients:
            await client.first("listing_stats")
        read_before = reads
        await list_coins(api.database, *(f"C{number}USDT" for number in range(20)))
        for client in clients:
            await client.until(partial(has_counted, client, 20))

    assert reads - read_before <= 3


async def test_a_summary_that_cannot_be_read_keeps_no_other_back(
    api: ServedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> Any:
        raise ValueError("a row that makes no sense")

    monkeypatch.setattr("api.reading.summaries.upcoming.read", fail)
    async with listening(api.client) as client:
        await client.first("monitor")

        assert client.of("upcoming") == []


async def test_a_trade_comes_again_when_it_has_ended(api: ServedApi) -> None:
    await store(api.database, "trades", status="pending")

    async with listening(api.client) as client:
        await client.first("status")
        async with api.database.connection() as connection:
            await connection.execute("UPDATE trades SET status = 'filled'")

        await client.until(lambda: [data["status"] for data in client.data_of("trade")][-1:] == ["filled"])


async def test_what_the_executor_writes_is_found_without_a_notification(api: ServedApi) -> None:
    await store(api.database, "positions", state="open")

    async with listening(api.client) as client:
        await client.until(lambda: client.data_of("held") and client.data_of("held")[-1])
        async with api.database.connection() as connection:
            # A price is a state: it is shown, and no event.
            await connection.execute("UPDATE positions SET peak_price = 2 * peak_price")
            await client.until(lambda: client.data_of("held")[-1][0]["peak_price"] == "0.0000000004")
            await connection.execute("UPDATE positions SET state = 'closed', closed_at = now()")
        await store(api.database, "halts", reason="too many")

        assert (await client.first("halt"))["reason"] == "too many"
        # Its opening may have been streamed too: it happened a moment before the stream began.
        assert [data["state"] for data in client.data_of("position")][-1] == "closed"
        assert len(client.of("position")) <= 2
        await client.until(lambda: client.data_of("held")[-1] == [])
        await client.until(lambda: client.data_of("status")[-1]["config"]["halts"])


async def test_a_change_of_the_limits_comes_with_who_made_it(api: ServedApi) -> None:
    async with listening(api.client) as client:
        await client.first("status")
        await trade_config.change(api.database, {"max_trade_usdt": 42}, changed_by="ops")

        change = await client.first("config")
        await client.until(lambda: client.data_of("status")[-1]["config"]["max_trade_usdt"] == "42.00")

    assert (change["changed_by"], change["after"]["max_trade_usdt"]) == ("ops", "42")


def has_both(client: EventClient) -> bool:
    return len(client.of("listing")) == 2


async def test_every_client_gets_the_same_bytes(api: ServedApi) -> None:
    async with listening(api.client) as one, listening(api.client) as two, listening(api.client) as three:
        for client in (one, two, three):
            await client.first("status")
        await list_coins(api.database, "AAAUSDT", "BBBUSDT")
        for client in (one, two, three):
            await client.until(partial(has_both, client))

    assert len({tuple(event.raw for event in client.of("listing")) for client in (one, two, three)}) == 1


async def test_a_client_that_comes_back_gets_what_it_missed_and_nothing_twice(api: ServedApi) -> None:
    async with listening(api.client) as client:
        await client.first("hello")
        await list_coins(api.database, "AAAUSDT")
        await client.first("listing")
    await list_coins(api.database, "BBBUSDT", "CCCUSDT")

    async with listening(api.client, **{"Last-Event-ID": client.last_id}) as back:
        await back.first("hello")
        await list_coins(api.database, "DDDUSDT")
        await back.until(lambda: "DDDUSDT" in symbols(back))

    assert symbols(back) == ["BBBUSDT", "CCCUSDT", "DDDUSDT"]
    assert back.of("reset") == []


async def test_what_is_committed_late_is_missed_by_nobody(api: ServedApi) -> None:
    """Its id was given before that of the row which everybody has seen already."""
    async with listening(api.client) as client:
        await client.first("status")
        async with api.database.transaction() as late:
            await late.execute(INSERT, "LATEUSDT")
            await list_coins(api.database, "SOONUSDT")
            await client.until(lambda: symbols(client) == ["SOONUSDT"])
            resumed_from = client.last_id
        await client.until(lambda: symbols(client) == ["SOONUSDT", "LATEUSDT"])

    async with listening(api.client, **{"Last-Event-ID": resumed_from}) as back:
        await back.first("hello")

    assert symbols(back) == ["LATEUSDT"]


async def test_what_is_rolled_back_never_comes(api: ServedApi) -> None:
    async with listening(api.client) as client:
        await client.first("status")
        async with api.database.connection() as connection:
            undone = connection.transaction()
            await undone.start()
            await connection.execute(INSERT, "NEVERUSDT")
            await undone.rollback()
        await list_coins(api.database, "REALUSDT")
        await client.until(lambda: symbols(client))

    assert symbols(client) == ["REALUSDT"]


async def test_many_at_once_come_in_order(api: ServedApi) -> None:
    names = [f"C{number:04}USDT" for number in range(1_200)]
    statement = """
        INSERT INTO listings (symbol, listed_at, source)
        SELECT name, now(), 'mexc_rest_api' FROM unnest($1::text[]) AS name
    """
    async with listening(api.client) as client:
        await client.first("status")
        async with api.database.connection() as connection:
            await connection.execute(statement, names)
        await client.until(lambda: len(symbols(client)) == len(names), within_seconds=15)

    assert symbols(client) == names


@pytest.mark.parametrize("last_id", ["9", "-1", "none of ours", "99999999999999999999999"])
async def test_an_id_that_is_not_known_is_told_to_read_anew(api: ServedApi, last_id: str) -> None:
    async with listening(api.client, **{"Last-Event-ID": last_id}) as client:
        await client.first("reset")
        await client.first("hello")


async def test_events_that_are_forgotten_are_told_of(api: ServedApi) -> None:
    async with listening(api.client) as client:
        await client.first("hello")
        await list_coins(api.database, "AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT")
        await client.until(lambda: len(symbols(client)) == 4)
    async with api.database.connection() as connection:
        await event_log.prune(connection, kept=2)

    async with listening(api.client, **{"Last-Event-ID": "1"}) as forgotten:
        await forgotten.first("reset")
    async with listening(api.client, **{"Last-Event-ID": "2"}) as kept:
        await kept.first("hello")

    assert (symbols(kept), kept.of("reset")) == (["CCCUSDT", "DDDUSDT"], [])


async def test_streams_end_with_the_service(api: ServedApi) -> None:
    async with listening(api.client) as one, listening(api.client) as two:
        await one.first("hello")
        await two.first("hello")
        began = time.monotonic()
        api.runtime.stop.set()

        for client in (one, two):
            await asyncio.wait_for(client.ended.wait(), timeout=10)
        await eventually(lambda: api.bus.published[-1].routing_key == "health.api")

        assert time.monotonic() - began < 2


async def test_head_of_the_stream_does_not_wait_for_its_end(api: ServedApi) -> None:
    answer = await api.client.head("/events")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"


async def test_a_client_that_goes_is_forgotten(api: ServedApi) -> None:
    def streams() -> float | None:
        return api.runtime.telemetry.registry.get_sample_value("sniper_api_streams")

    async with listening(api.client) as client:
        await client.first("hello")
        assert streams() == 1

    await eventually(lambda: streams() == 0)


async def test_one_stream_too_many_is_refused(api: ServedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.streaming.hub.SUBSCRIBERS_MAX", 1)
    async with listening(api.client) as client:
        await client.first("hello")
        refused = await api.client.get("/events")

    assert (refused.status_code, refused.json()["code"]) == (503, "no_stream")
    assert refused.headers["retry-after"] == "5"


async def test_a_database_that_goes_and_comes_back_costs_no_event(
    private_postgres: Callable[[], PrivatePostgres],
) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with serving_api(server.url) as api, listening(api.client) as client:
        await client.first("status")
        await asyncio.to_thread(server.stop)
        assert await client.first("database", within_seconds=10) == {"reachable": False}
        await asyncio.to_thread(server.start)
        await eventually(lambda: _stored(api.database, "BACKUSDT"))

        await client.until(lambda: symbols(client) == ["BACKUSDT"], within_seconds=10)
        await client.until(lambda: client.data_of("database")[-1] == {"reachable": True}, within_seconds=10)


async def test_a_database_that_hangs_is_told_of(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with serving_api(server.url) as api, listening(api.client) as client:
        await client.first("status")
        server.freeze()
        try:
            assert await client.first("database", within_seconds=10) == {"reachable": False}
        finally:
            server.thaw()

        await client.until(lambda: client.data_of("database")[-1] == {"reachable": True}, within_seconds=10)


async def test_a_stranger_gets_no_stream(api: ServedApi) -> None:
    async with api.stranger() as stranger:
        assert (await stranger.get("/events")).status_code == 401


async def test_the_past_can_be_asked_for_at_the_first_connection(api: ServedApi) -> None:
    async with listening(api.client) as client:
        await client.first("hello")
        await list_coins(api.database, "AAAUSDT")
        await client.first("listing")

    async with api.client.stream("GET", "/events", params={"after": 0}) as response:
        text = ""
        async for chunk in response.aiter_text():
            text += chunk
            if "event: hello" in text:
                break

    assert "AAAUSDT" in text


async def _stored(database: Database, symbol: str) -> bool:
    try:
        await store(
            database, "listings", symbol=symbol, listing_key=symbol, created_at=NOON, opens_at=NOON + timedelta(1)
        )
    except Exception:  # noqa: BLE001 - not back yet, in whatever words
        return False
    return True


async def test_a_stream_that_nobody_has_read_yet_is_away(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with serving_api(server.url) as api:
        value = await api.make_token("viewer")
        await asyncio.to_thread(server.stop)
        async with api.bearer(value) as viewer:
            answer = await viewer.get("/events", timeout=httpx.Timeout(20))

        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        await asyncio.to_thread(server.start)


async def test_streams_of_one_token_leave_room_for_a_halt(api: ServedApi) -> None:
    value = await api.make_token("page")
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(api.bearer(value))
        for _ in range(OF_ONE_TOKEN_MAX):
            answer = await stack.enter_async_context(page.stream("GET", "/events"))
            assert answer.status_code == 200
        one_more = await page.get("/events")
        other = await stack.enter_async_context(listening(api.client))
        halted = await api.client.post("/halt", json={})

        assert await other.first("hello") == {"position": 0}

    assert (one_more.status_code, one_more.json()["code"]) == (503, "no_stream")
    assert halted.status_code == 200
