"""Adapter from handlers of events to handlers of messages."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared import events
from shared.bus.port import Handler, Message
from shared.log_context import bind_listing
from shared.wire import cloudevents, topology

E = TypeVar("E", bound=events.Event)

EventHandler = Callable[[E], Awaitable[Sequence[topology.PipelineEvent]]]


def message_handler(model: type[E], handle: EventHandler[E], *, canaries: Handler | None = None) -> Handler:
    """Return *handle* as a bus handler, with decoding before it, and encoding and addressing after it.

    *canaries* handles canaries on queues that carry them. A body that is no event of *model* raises
    PermanentError, which sends it to the dead letters.
    """

    async def on_message(message: Message) -> Sequence[Message]:
        if canaries is not None and message.exchange == topology.CANARY.name:
            return await canaries(message)
        event = cloudevents.decode(message.body)
        if not isinstance(event, model):
            raise cloudevents.unexpected(event, model)
        bind_listing(event)
        return [topology.to_message(result) for result in await handle(event)]

    return on_message
