"""Arguments of queues in RabbitMQ: type, limits, dead letters. Their values stand in `shared.wire.topology`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from shared.bus.port import Exchange, Queue

DELIVERIES_MAX: Final = 50
"""Limit of the broker, well above ours: for messages that crash every process before it can answer."""
UNLIMITED_DELIVERIES: Final = 1_000_000_000
"""For queues without dead letters, where the broker would drop what reaches the limit; RabbitMQ 4 defaults to 20."""

ARCHIVE_BYTES: Final = 2_000_000_000
ARCHIVE_AGE: Final = timedelta(days=7)
ARCHIVE_SEGMENT_BYTES: Final = 50_000_000
"""Streams are truncated by whole segments: with the default of 500 MB they would far outlive their age."""


def queue_arguments(queue: Queue, dead: Exchange) -> Mapping[str, str | int]:
    """Return the declare arguments of *queue*; the same ones work from RabbitMQ 3.10 to 4.x."""
    if queue.kind == "stream":
        return {
            "x-queue-type": "stream",
            "x-max-length-bytes": ARCHIVE_BYTES,
            "x-max-age": f"{ARCHIVE_AGE.days}D",
            "x-stream-max-segment-size-bytes": ARCHIVE_SEGMENT_BYTES,
        }
    arguments: dict[str, str | int] = {"x-queue-type": "quorum"}
    if queue.time_to_live is not None:
        arguments["x-message-ttl"] = int(queue.time_to_live.total_seconds() * 1000)
    if not queue.dead_letters:
        return {**arguments, "x-delivery-limit": UNLIMITED_DELIVERIES}
    return {
        **arguments,
        "x-delivery-limit": DELIVERIES_MAX,
        "x-dead-letter-exchange": dead.name,
        # As in our own dead letters: the routing key names the queue.
        "x-dead-letter-routing-key": queue.name,
        # At-least-once needs both; with one alone RabbitMQ silently falls back to at-most-once.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
