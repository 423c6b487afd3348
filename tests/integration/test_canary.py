"""The canary goes the way of a listing through a real broker, and leaves nothing but its age."""

import asyncio
from collections.abc import Sequence
from typing import Final

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from ingest.output.canary_sender import sending_canaries
from shared.bus import rabbitmq
from shared.bus.port import Binding, Message, Queue, Topology
from shared.events import Event, Listing, RawListing, utc_now
from shared.settings import BrokerSettings
from shared.wire import topology
from shared.wire.canary import Canary, passed_on, to_message
from shared.wire.topology import CANARY, message_handler
from tests.support.data.builders import a_listing, a_raw_listing
from tests.support.running.pipelines import dedup, persister, pipeline, rows
from tests.support.running.services import emptying
from tests.waiting import eventually

EVERYTHING: Final = Queue("reader.everything", (Binding(topology.RAW, "#"), Binding(topology.EVENTS, "#")))
WHOLE: Final = Topology(topology.EXCHANGES, (*topology.NOTIFYING.queues, EVERYTHING), topology.DEAD)


def a_canary() -> Canary:
    return Canary(id="canary-1", sent_at=utc_now())


def through(registry: CollectorRegistry, stage: str = "whole") -> float:
    """Return how many canaries came through."""
    return registry.get_sample_value("sniper_persister_canary_stage_seconds_count", {"stage": stage}) or 0


async def test_it_comes_through_and_nothing_is_stored(database_url: str, broker_url: str) -> None:
    async with pipeline(database_url, broker_url, dedup, persister) as runtime:
        registry = runtime.telemetry.registry
        async with sending_canaries(runtime.bus, registry, every_seconds=0.05, watches=lambda: True):
            await eventually(lambda: through(registry) >= 3)

        assert through(registry, "dedup") >= 3
        age = registry.get_sample_value("sniper_persister_canary_age_seconds")
        assert age is not None
        assert age < 60
        for table in ("listings", "listing_claims", "listing_observations", "trades"):
            assert await rows(runtime, f"SELECT * FROM {table}") == []
        assert (registry.get_sample_value("sniper_bus_dead_letters_total", {"queue": "dedup.raw"}) or 0) == 0


async def test_no_reader_of_events_or_of_the_archive_sees_it(database_url: str, broker_url: str) -> None:
    settings = BrokerSettings(url=SecretStr(broker_url))
    async with (
        rabbitmq.connect(settings, WHOLE, name="reader") as bus,
        pipeline(database_url, broker_url, dedup, persister) as runtime,
        emptying(bus, EVERYTHING) as outlet,
    ):
        await bus.publish(to_message(a_canary()))
        await eventually(lambda: through(runtime.telemetry.registry) == 1)
        await bus.publish(topology.to_message(a_raw_listing()))
        await eventually(lambda: any(isinstance(each, Listing) for each in outlet.events))

        assert not any(
            message.exchange == CANARY.name or message.type == Canary.event_type for message in outlet.messages
        )


def test_only_the_queues_on_its_way_are_bound_to_its_exchange() -> None:
    bound = {each.name for each in WHOLE.queues if any(b.exchange == topology.CANARY for b in each.bindings)}

    assert bound == {"dedup.raw", "persister.listings"}


@pytest.mark.parametrize(
    ("queue", "canary", "news", "model"),
    [
        (topology.DEDUP_RAW, a_canary(), a_raw_listing(), RawListing),
        (topology.PERSISTER_LISTINGS, passed_on(a_canary(), utc_now()), a_listing(), Listing),
    ],
    ids=["dedup", "persister"],
)
async def test_a_service_that_is_older_buries_it_and_goes_on(
    broker_url: str, queue: Queue, canary: Canary, news: RawListing | Listing, model: type[Event]
) -> None:
    handled: list[Event] = []

    async def note(event: Event) -> Sequence[topology.PipelineEvent]:
        handled.append(event)
        return ()

    until = asyncio.Event()
    async with (
        rabbitmq.connect(BrokerSettings(url=SecretStr(broker_url)), topology.SNIPER, name="old") as bus,
        asyncio.TaskGroup() as tasks,
    ):
        await bus.publish(to_message(canary))
        await bus.publish(topology.to_message(news))
        tasks.create_task(bus.consume(queue, message_handler(model, note), until=until))
        async with emptying(bus, topology.DEAD_LETTERS) as buried:
            await buried.holds(1)
            await eventually(lambda: handled == [news])
        until.set()

    assert buried.reasons == ["type: unknown event type 'sniper.canary'"]


async def test_one_that_cannot_be_read_is_buried(database_url: str, broker_url: str) -> None:
    broken = Message(topology.CANARY.name, topology.CANARY_RAW, b"{}", "broken")
    async with pipeline(database_url, broker_url, dedup, persister) as runtime:
        await runtime.bus.publish(broken)
        async with emptying(runtime.bus, topology.DEAD_LETTERS) as buried:
            await buried.holds(1)

    assert "no canary" in buried.reasons[0]


async def test_one_that_stands_by_sends_none_until_it_watches(database_url: str, broker_url: str) -> None:
    async with pipeline(database_url, broker_url, dedup, persister) as runtime:
        registry, asked = runtime.telemetry.registry, 0
        is_held = False

        def watches() -> bool:
            nonlocal asked
            asked += 1
            return is_held

        async with sending_canaries(runtime.bus, registry, every_seconds=0.05, watches=watches):
            await eventually(lambda: asked >= 3)
            assert registry.get_sample_value("sniper_ingest_canaries_total", {"result": "published"}) is None
            is_held = True
            await eventually(lambda: through(registry) >= 1)
