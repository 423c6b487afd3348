"""Exchanges, queues and bindings as data; events as messages on them, and their handlers as handlers of messages."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar, assert_never

from shared import events
from shared.bus.port import Binding, Exchange, Handler, Message, Queue, Topology
from shared.errors import PermanentError
from shared.log_context import bind_listing
from shared.wire import cloudevents

RAW: Final = Exchange("sniper.raw")
EVENTS: Final = Exchange("sniper.events")
DEAD: Final = Exchange("sniper.dead", "fanout")
CANARY: Final = Exchange("sniper.canary", is_vital=False)
"""For `shared.wire.canary` alone: readers of events and of the archive do not see it."""
EXCHANGES: Final = (RAW, EVENTS, DEAD, CANARY)
CANARY_RAW: Final = "canary.raw"
CANARY_DETECTED: Final = "canary.detected"

DEDUP_RAW: Final = Queue("dedup.raw", (Binding(RAW, "raw.#"), Binding(CANARY, CANARY_RAW)), prefetch=100)
EXECUTOR_LISTINGS: Final = Queue(
    # A stale listing must die here, not be bought late.
    "executor.listings",
    (Binding(EVENTS, "listing.detected"),),
    prefetch=4,
    time_to_live=timedelta(seconds=60),
)
EXECUTOR_OPENINGS: Final = Queue(
    # An opening matters for as long as an order may wait for it, also to an executor that was away.
    "executor.openings",
    (Binding(EVENTS, "listing.rescheduled"),),
    prefetch=4,
)
PERSISTER_LISTINGS: Final = Queue(
    "persister.listings", (Binding(EVENTS, "listing.detected"), Binding(CANARY, CANARY_DETECTED)), prefetch=200
)
PERSISTER_TRADES: Final = Queue("persister.trades", (Binding(EVENTS, "trade.#"),), prefetch=200)
PERSISTER_HEALTH: Final = Queue("persister.health", (Binding(EVENTS, "health.*"),), prefetch=50)
DEAD_LETTERS: Final = Queue("sniper.dead", (Binding(DEAD, "#"),), dead_letters=False)
ARCHIVE: Final = Queue(
    # All events, kept for a while, so that a late consumer can replay them.
    "sniper.archive",
    (Binding(RAW, "#"), Binding(EVENTS, "#")),
    kind="stream",
    dead_letters=False,
)
QUEUES: Final = (
    DEDUP_RAW,
    EXECUTOR_LISTINGS,
    EXECUTOR_OPENINGS,
    PERSISTER_LISTINGS,
    PERSISTER_TRADES,
    PERSISTER_HEALTH,
    DEAD_LETTERS,
    ARCHIVE,
)
NOTIFIER_EVENTS: Final = Queue(
    # Stale news is dropped instead of dead-lettered.
    "notifier.events",
    (Binding(EVENTS, "listing.#"), Binding(EVENTS, "trade.#"), Binding(EVENTS, "health.*")),
    prefetch=50,
    time_to_live=timedelta(minutes=10),
    dead_letters=False,
)

SNIPER: Final = Topology(EXCHANGES, QUEUES, DEAD)
NOTIFYING: Final = Topology(EXCHANGES, (*QUEUES, NOTIFIER_EVENTS), DEAD)
"""Declared by the notifier's process only: without one, its queue would never be emptied."""

PipelineEvent = events.RawListing | events.Listing | events.Trade | events.Health
E = TypeVar("E", bound=events.Event)
EventHandler = Callable[[E], Awaitable[Sequence[PipelineEvent]]]


def to_message(event: PipelineEvent) -> Message:
    """Return the message that carries *event*, addressed."""
    exchange, routing_key = _route(event)
    return Message(
        exchange=exchange.name,
        routing_key=routing_key,
        body=cloudevents.encode(event),
        message_id=event.id,
        content_type=cloudevents.CONTENT_TYPE,
        type=event.event_type,
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


def require_own_route(event: events.Event, message: Message) -> None:
    """Raise PermanentError where *message* came by the route of another event.

    What a user of the broker may publish goes by the routing key, and everything after that by the body: they have to
    agree. What was put into the queue itself, as by a shovel, came by none.
    """
    if message.exchange and isinstance(event, PipelineEvent):
        exchange, routing_key = _route(event)
        if (message.exchange, message.routing_key) != (exchange.name, routing_key):
            raise PermanentError(f"came as {message.routing_key} of {message.exchange}, and belongs to {routing_key}")


def message_handler(model: type[E], handle: EventHandler[E], *, canaries: Handler | None = None) -> Handler:
    """Return *handle* as a bus handler, with decoding before it, and encoding and addressing after it.

    *canaries* handles canaries on queues that carry them. A body that is no event of *model* raises
    PermanentError, which sends it to the dead letters.
    """

    async def on_message(message: Message) -> Sequence[Message]:
        if canaries is not None and message.exchange == CANARY.name:
            return await canaries(message)
        event = cloudevents.decode(message.body)
        if not isinstance(event, model):
            raise cloudevents.unexpected(event, model)
        require_own_route(event, message)
        bind_listing(event)
        return [to_message(result) for result in await handle(event)]

    return on_message
