"""Ingest as a whole: new coins, restarts, outages on either side."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest
import structlog

from shared.events import HealthStatus, Source
from shared.postgres.database import Database
from tests.support.running.ingests import BOTH, Outbox, ingesting, stored
from tests.support.running.services import open_database
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


async def test_first_start_publishes_nothing_and_stores_what_it_found(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator) as outbox:
        await eventually(lambda: stored(database))

    assert len(await stored(database)) == 60
    assert outbox.sightings == []


async def test_first_start_says_which_coins_it_does_not_buy_though_they_open_later(
    database: Database, simulator: SimulatorProcess
) -> None:
    await simulator.list_coin("EARLYUSDT", opens_in=3600)

    with structlog.testing.capture_logs() as logs:
        async with ingesting(database, simulator) as outbox:
            await eventually(lambda: stored(database))

    [said] = [each for each in logs if each["event"].startswith("listed before the first start")]
    assert (said["log_level"], said["symbols"]) == ("warning", "EARLYUSDT")
    assert outbox.sightings == []


async def test_new_coin_is_published_once_by_each_source(database: Database, simulator: SimulatorProcess) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)
        await eventually(lambda: _is_in_state(database, "FRESHUSDT", "tradable"))

    assert len(outbox.sightings) == 2
    for sighting in outbox.sightings:
        assert (sighting.base_asset, sighting.quote_asset) == ("FRESH", "USDT")
        assert not sighting.late
        assert sighting.listed_at == sighting.observed_at <= sighting.published_at
    assert (await stored(database))["FRESHUSDT"]["occurrence"] == 1


async def test_coin_seen_on_the_websocket_tells_its_price_and_what_a_snapshot_said_before(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("SOONUSDT", opens_in=4)
        await eventually(lambda: outbox.seen_by("SOONUSDT") == BOTH)

    told = {sighting.source: sighting for sighting in outbox.sightings}
    rest, websocket = told[Source.MEXC_REST_API], told[Source.MEXC_WEBSOCKET]
    assert rest.price is None
    assert websocket.price is not None
    assert websocket.rules is not None
    assert (websocket.rules.api_allowed, websocket.rules.trade_side_type) == (True, 1)
    assert websocket.rules.base_precision is not None


async def test_coin_is_published_when_it_is_listed_and_says_when_it_opens(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("SOONUSDT", opens_in=3600)
        await eventually(lambda: outbox.seen_by("SOONUSDT"))

    [sighting] = outbox.sightings
    assert sighting.source is Source.MEXC_REST_API
    assert sighting.opens_at is not None
    assert timedelta(minutes=59) < sighting.opens_at - sighting.listed_at <= timedelta(hours=1)
    assert (await stored(database))["SOONUSDT"]["state"] == "listed"


async def test_coin_listed_while_ingest_was_down_is_published_late(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator):
        await eventually(lambda: stored(database))
    await simulator.list_coin("MISSEDUSDT")

    async with ingesting(database, simulator) as outbox:
        await eventually(lambda: outbox.seen_by("MISSEDUSDT") == BOTH)
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)

    assert {(sighting.symbol, sighting.late) for sighting in outbox.sightings} == {
        ("MISSEDUSDT", True),
        ("FRESHUSDT", False),
    }


async def test_restart_publishes_nothing_twice(database: Database, simulator: SimulatorProcess) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)

    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("NEXTUSDT")
        await eventually(lambda: outbox.seen_by("NEXTUSDT") == BOTH)

    assert {sighting.symbol for sighting in outbox.sightings} == {"NEXTUSDT"}


async def test_sighting_that_the_broker_never_took_is_published_by_the_next_start(
    database: Database, simulator: SimulatorProcess
) -> None:
    bus = Outbox()
    bus.away = True
    async with ingesting(database, simulator, bus):
        await eventually(lambda: stored(database))
        await simulator.list_coin("HELDUSDT")
        await eventually(lambda: bus.refused)
    assert "HELDUSDT" not in await stored(database)

    async with ingesting(database, simulator) as outbox:
        await eventually(lambda: outbox.seen_by("HELDUSDT") == BOTH)

    assert all(sighting.late for sighting in outbox.sightings)


async def test_sighting_waits_for_the_broker_to_come_back(database: Database, simulator: SimulatorProcess) -> None:
    bus = Outbox()
    async with ingesting(database, simulator, bus):
        bus.away = True
        await simulator.list_coin("HELDUSDT")
        await eventually(lambda: {message.routing_key for message in bus.refused} == {f"raw.{name}" for name in BOTH})
        bus.away = False
        await eventually(lambda: bus.seen_by("HELDUSDT") == BOTH)

    assert len(bus.sightings) == 2


async def test_symbol_that_the_contract_has_no_place_for_is_stored_and_not_published(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("TWENTYONECHARACTERSUSDT")
        await eventually(lambda: _has(database, "TWENTYONECHARACTERSUSDT"))
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)

    assert {sighting.symbol for sighting in outbox.sightings} == {"FRESHUSDT"}


async def test_rest_carries_on_while_the_subscription_is_refused(
    database: Database, simulator: SimulatorProcess
) -> None:
    await simulator.arm("ws_refuse_subscription")
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == {Source.MEXC_REST_API})
        await eventually(
            lambda: any(
                health.status is HealthStatus.DEGRADED and "websocket: subscription refused" in health.detail
                for health in outbox.healths
            )
        )


async def test_websocket_carries_on_while_rest_fails(database: Database, simulator: SimulatorProcess) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.arm("http_status", endpoint="GET /api/v3/*", count=None)
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == {Source.MEXC_WEBSOCKET})


@pytest.mark.parametrize("fault", ["exchange_info_empty", "exchange_info_shrunk"])
async def test_answer_that_lacks_symbols_makes_nothing_gone_and_nothing_new(
    database: Database, simulator: SimulatorProcess, fault: str
) -> None:
    async with ingesting(database, simulator) as outbox:
        await eventually(lambda: stored(database))
        await simulator.arm(fault)
        for symbol in ("FIRSTUSDT", "SECONDUSDT"):
            # Each new name asks for a snapshot: the first is the broken one.
            await _next_snapshot(simulator, symbol)
            await eventually(partial(outbox.is_seen_by_both, symbol))

    assert {sighting.symbol for sighting in outbox.sightings} == {"FIRSTUSDT", "SECONDUSDT"}
    assert {row["state"] for row in (await stored(database)).values()} == {"tradable", "suspended"}


async def test_coin_listed_while_the_websocket_was_cut_is_seen_by_it_afterwards(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.arm("ws_disconnect")
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)


async def _next_snapshot(simulator: SimulatorProcess, symbol: str) -> None:
    async def asked() -> int:
        return (await simulator.requests()).get("GET /api/v3/exchangeInfo", 0)

    before = await asked()
    await simulator.list_coin(symbol)

    async def asked_again() -> bool:
        return await asked() > before

    await eventually(asked_again)


async def _has(database: Database, symbol: str) -> bool:
    return symbol in await stored(database)


async def _is_in_state(database: Database, symbol: str, state: str) -> bool:
    return await _has(database, symbol) and (await stored(database))[symbol]["state"] == state
