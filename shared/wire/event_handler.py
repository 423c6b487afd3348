"""Handlers of events, as handlers of messages."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from shared import events
from shared.bus.port import Handler, Message
from shared.log_context import bind_listing
from shared.wire import cloudevents, topology
from shared.wire.canary import is_canary

E = TypeVar("E", bound=events.Event)

EventHandler = Callable[[E], Awaitable[Sequence[topology.PipelineEvent]]]


def message_handler(model: type[E], handle: EventHandler[E], *, canaries: Handler | None = None) -> Handler:
    """Return *handle* as a bus handler: decoded on the way in, encoded and addressed on the way out.

    *canaries* handles those, on the queues that they come by. A body that is not an event of *model* raises
    PermanentError, which sends it to the dead letters.
    """

    async def on_message(message: Message) -> Sequence[Message]:
        if canaries is not None and is_canary(message):
            return await canaries(message)
        event = cloudevents.decode(message.body)
        if not isinstance(event, model):
            raise cloudevents.unexpected(event, model)
        bind_listing(event)
        return [topology.to_message(result) for result in await handle(event)]

    return on_message
