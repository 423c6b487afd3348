"""Conversion between messages of the port and of AMQP."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aio_pika import DeliveryMode
from aio_pika.abc import AbstractIncomingMessage
from aiormq import spec

from shared.bus import delivery
from shared.bus.port import Message

MESSAGE_ID: Final = "x-sniper-message-id"
"""Header for ids that are too long for AMQP's own field, and for all ids before that field was used."""
SHORT_TEXT_BYTES: Final = 255
"""AMQP's limit on a message id."""


def properties_of(message: Message, *, app_id: str, at: datetime) -> spec.Basic.Properties:
    """Return the AMQP properties of *message*, published by *app_id* *at* a time.

    The client matches returned messages to publishes by message id, and makes one up where there is none. So two
    attempts with one id must not be under way on one channel at once: they would take each other's answers.
    """
    fits = len(message.message_id.encode()) <= SHORT_TEXT_BYTES
    return spec.Basic.Properties(
        content_type=message.content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id if fits else None,
        headers=dict(message.headers) if fits else {**message.headers, MESSAGE_ID: message.message_id},
        message_type=message.type or None,
        app_id=app_id,
        timestamp=at,
    )


def from_amqp(incoming: AbstractIncomingMessage) -> Message:
    """Return the message, without headers that are no texts: other publishers may put values of any type there."""
    headers = {name: value for name, value in incoming.headers.items() if isinstance(value, str)}
    message_id = headers.pop(MESSAGE_ID, None) or incoming.message_id or ""
    return Message(
        exchange=incoming.exchange or "",
        routing_key=incoming.routing_key or "",
        body=incoming.body,
        message_id=message_id,
        content_type=incoming.content_type or "application/octet-stream",
        headers={**dead_letter_headers(incoming.headers), **headers},
        type=incoming.type or "",
    )


def attempt(incoming: AbstractIncomingMessage) -> int:
    """Return 1 for the first delivery; quorum queues count, others only mark redeliveries."""
    count = incoming.headers.get("x-delivery-count")
    if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
        return count + 1
    return 2 if incoming.redelivered else 1


def dead_letter_headers(headers: Mapping[str, Any]) -> Mapping[str, str]:
    """Return our dead-letter headers for a message that the broker itself dead-lettered, for example on expiry."""
    deaths = headers.get("x-death")
    death = deaths[0] if isinstance(deaths, list) and deaths else None
    if not isinstance(death, dict):
        return {}
    keys = death.get("routing-keys")
    told = {
        delivery.REASON: death.get("reason"),
        delivery.QUEUE: death.get("queue"),
        delivery.ORIGINAL_EXCHANGE: death.get("exchange"),
        delivery.ORIGINAL_ROUTING_KEY: keys[0] if isinstance(keys, list) and keys else None,
    }
    return {name: value for name, value in told.items() if isinstance(value, str)}
