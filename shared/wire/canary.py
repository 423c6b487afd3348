"""Canary: a synthetic event that takes the path of a listing through the broker.

It has an exchange of its own, so that readers, the archive, the executor and the notifier never see it; its queues
are those of listings, so that whatever delays these delays it.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import ValidationError
from pydantic_core import from_json

from shared.bus.port import Message
from shared.errors import PermanentError
from shared.events import Event, Utc
from shared.wire import cloudevents
from shared.wire.topology import CANARY, CANARY_DETECTED, CANARY_RAW


class Canary(Event):
    """Sent by ingest, passed on by dedup, measured by the persister."""

    event_type: ClassVar[str] = "sniper.canary"
    producer: ClassVar[str] = "/ingest"

    sent_at: Utc
    deduplicated_at: Utc | None = None

    @property
    def subject(self) -> str:
        return "canary"

    @property
    def time(self) -> datetime:
        return self.sent_at


def to_message(canary: Canary) -> Message:
    """Return the message that carries *canary* to its next stage."""
    return Message(
        exchange=CANARY.name,
        routing_key=CANARY_RAW if canary.deduplicated_at is None else CANARY_DETECTED,
        body=cloudevents.encode(canary),
        message_id=canary.id,
        content_type=cloudevents.CONTENT_TYPE,
        type=canary.event_type,
    )


def from_message(message: Message) -> Canary:
    """Return the canary in *message*; raise PermanentError naming what is wrong with it."""
    try:
        read = from_json(message.body)
        return Canary.model_validate({**read["data"], "id": read["id"]})
    except ValidationError as error:
        raise PermanentError(cloudevents.explain(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"no canary: {error!r}") from error


def passed_on(canary: Canary, at: datetime) -> Canary:
    """Return *canary* as dedup passes it on *at* a time."""
    return canary.model_copy(update={"deduplicated_at": at})
