"""The broker's exchanges, queues and bindings, as data; and where each event goes."""

from datetime import timedelta
from typing import Final, assert_never

from shared import cloudevents, events
from shared.bus.port import Binding, Exchange, Message, Queue, Topology

RAW: Final = Exchange("sniper.raw")
EVENTS: Final = Exchange("sniper.events")
DEAD: Final = Exchange("sniper.dead", "fanout")
EXCHANGES: Final = (RAW, EVENTS, DEAD)

DEDUP_RAW: Final = Queue("dedup.raw", (Binding(RAW, "raw.#"),), prefetch=100)
EXECUTOR_LISTINGS: Final = Queue(
    # A stale listing must die here, not be bought late.
    "executor.listings",
    (Binding(EVENTS, "listing.*"),),
    prefetch=4,
    time_to_live=timedelta(seconds=60),
)
PERSISTER_LISTINGS: Final = Queue("persister.listings", (Binding(EVENTS, "listing.detected"),), prefetch=200)
PERSISTER_TRADES: Final = Queue("persister.trades", (Binding(EVENTS, "trade.#"),), prefetch=200)
PERSISTER_HEALTH: Final = Queue("persister.health", (Binding(EVENTS, "health.*"),), prefetch=50)
DEAD_LETTERS: Final = Queue("sniper.dead", (Binding(DEAD, "#"),), dead_letters=False)
ARCHIVE: Final = Queue(
    # Everything, kept for a while, so that a late consumer can replay.
    "sniper.archive",
    (Binding(RAW, "#"), Binding(EVENTS, "#")),
    kind="stream",
    dead_letters=False,
)
QUEUES: Final = (
    DEDUP_RAW,
    EXECUTOR_LISTINGS,
    PERSISTER_LISTINGS,
    PERSISTER_TRADES,
    PERSISTER_HEALTH,
    DEAD_LETTERS,
    ARCHIVE,
)


SNIPER: Final = Topology(EXCHANGES, QUEUES, DEAD)

PipelineEvent = events.RawListing | events.Listing | events.Trade | events.Health


def to_message(event: PipelineEvent) -> Message:
    """Return the message that carries *event*, addressed."""
    exchange, routing_key = _route(event)
    return Message(
        exchange=exchange.name,
        routing_key=routing_key,
        body=cloudevents.encode(event),
        message_id=event.id,
        content_type=cloudevents.CONTENT_TYPE,
    )


def _route(event: PipelineEvent) -> tuple[Exchange, str]:
    match event:
        case events.RawListing():
            return RAW, f"raw.{event.source}"
        case events.ListingRescheduled():
            return EVENTS, "listing.rescheduled"
        case events.Listing():
            return EVENTS, "listing.detected"
        case events.Trade():
            return EVENTS, f"trade.{event.mode}.{event.status}"
        case events.Health():
            return EVENTS, f"health.{event.component}"
        case _:
            assert_never(event)
