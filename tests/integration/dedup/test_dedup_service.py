"""Dedup as a service, between real queues."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from dedup.service import serve
from dedup.settings import DedupSettings
from shared.events import Event, Health, Listing, utc_now
from shared.process.runtime import Runtime
from shared.wire.topology import DEAD_LETTERS, EXECUTOR_LISTINGS, PERSISTER_HEALTH, to_message
from tests.support.data.builders import a_raw_listing
from tests.support.running.services import emptying, rabbitmq_runtime, serving
from tests.waiting import eventually


class Servers:
    """One database and one broker, on which several processes can be started."""

    def __init__(self, database_url: str, broker_url: str) -> None:
        self._urls = (database_url, broker_url)

    @asynccontextmanager
    async def dedup(self) -> AsyncIterator[Runtime]:
        """Run dedup in a process of its own, as far as memory and connections go."""
        async with (
            rabbitmq_runtime(*self._urls) as runtime,
            serving(runtime, lambda runtime: serve(runtime, DedupSettings())),
        ):
            yield runtime


@pytest.fixture
def servers(database_url: str, broker_url: str) -> Servers:
    return Servers(database_url, broker_url)


async def test_one_listing_comes_out_of_two_services_side_by_side(servers: Servers) -> None:
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(servers.dedup()) for _ in range(2)]
        listings = await stack.enter_async_context(emptying(one.bus, EXECUTOR_LISTINGS))
        for _ in range(50):
            await one.bus.publish(to_message(a_raw_listing(symbol="ABC_USDT")))
            await other.bus.publish(to_message(a_raw_listing(symbol="abcusdt", source="mexc_rest_api")))
        await one.bus.publish(to_message(a_raw_listing(symbol="LASTUSDT")))
        await listings.holds(2)

    assert sorted(event.id for event in listings.events) == ["ABCUSDT:1:detected", "LASTUSDT:1:detected"]


async def test_a_restarted_service_knows_what_it_published(servers: Servers) -> None:
    async with servers.dedup() as first, emptying(first.bus, EXECUTOR_LISTINGS) as listings:
        await first.bus.publish(to_message(a_raw_listing()))
        await listings.holds(1)
    async with servers.dedup() as second, emptying(second.bus, EXECUTOR_LISTINGS) as later:
        await second.bus.publish(to_message(a_raw_listing()))
        await second.bus.publish(to_message(a_raw_listing(symbol="LASTUSDT")))
        await later.holds(1)

    assert [event.id for event in later.events] == ["LASTUSDT:1:detected"]


NO_LISTINGS = (
    ({"symbol": "no symbol!"}, "Invalid symbol format"),
    ({"symbol": "AB"}, "Invalid symbol format"),
    ({"symbol": "A" * 21}, "Invalid symbol format"),
    ({"source": "rumour"}, "source must be: mexc_websocket, mexc_rest_api, or test_injection"),
    ({"listed_at": "2999-01-01T00:00:00Z", "source": "test_injection"}, "listed_at cannot be in the future"),
)


async def test_what_is_no_listing_goes_to_the_dead_letters_with_the_reason(servers: Servers) -> None:
    message = to_message(a_raw_listing())
    async with servers.dedup() as runtime, emptying(runtime.bus, DEAD_LETTERS) as dead:
        for wrong, _ in NO_LISTINGS:
            envelope = json.loads(message.body)
            envelope["data"] |= wrong
            key = f"raw.{envelope['data']['source']}"
            await runtime.bus.publish(replace(message, routing_key=key, body=json.dumps(envelope).encode()))
        await dead.holds(len(NO_LISTINGS))

    assert sorted(dead.reasons) == sorted(reason for _, reason in NO_LISTINGS)


async def test_a_clock_that_is_apart_is_told_in_health_and_the_listing_lives(servers: Servers) -> None:
    ahead = utc_now() + timedelta(seconds=30)
    async with (
        servers.dedup() as runtime,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as listings,
        emptying(runtime.bus, PERSISTER_HEALTH) as told,
    ):
        stamps = dict.fromkeys(("listed_at", "observed_at", "published_at"), ahead)
        await runtime.bus.publish(to_message(a_raw_listing(**stamps)))
        await listings.holds(1)
        await eventually(lambda: bool(_of_the_clock(told.events)))

    health, listing = _of_the_clock(told.events)[0], listings.events[0]
    assert (health.component, health.status) == ("dedup", "degraded")
    assert isinstance(listing, Listing)
    assert listing.listed_at < ahead


def _of_the_clock(events: Iterable[Event]) -> list[Health]:
    return [event for event in events if isinstance(event, Health) and "clock" in event.detail]


async def test_one_poison_message_does_not_hold_up_the_others(servers: Servers) -> None:
    good = to_message(a_raw_listing())
    async with (
        servers.dedup() as runtime,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as listings,
        emptying(runtime.bus, DEAD_LETTERS) as dead,
    ):
        await runtime.bus.publish(replace(good, body=b"{not json", message_id="poison"))
        await runtime.bus.publish(good)
        await listings.holds(1)
        await dead.holds(1)

    assert dead.messages[0].body == b"{not json"
