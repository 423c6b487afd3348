"""Table of the in-process bus: one row per message and queue, until it is acknowledged."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg

from shared.bus import delivery
from shared.bus.port import Exchange, Message, Queue
from shared.postgres.database import Connection, Pool
from shared.postgres.error_translation import away_is_transient

TIMEOUT_SECONDS: Final = 5.0
"""Timeout of one statement and the wait for its connection."""

# No wait for the disk. A killed process loses nothing all the same, and where the server itself dies, only the end of
# its log is missing: the deletion of a message survives only together with the messages its handler published. What
# must be durable before anything else happens (a claim, a reservation) is committed with a wait, and flushes everything
# before it.
_PUBLISH: Final = """
    WITH at_leisure AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO bus_messages (queue, deliveries, exchange, routing_key, body, message_id, content_type, headers)
    SELECT target.queue, target.deliveries, $3, $4, $5, $6, $7, $8::text::jsonb
    FROM at_leisure CROSS JOIN unnest($1::text[], $2::int[]) AS target (queue, deliveries)
    RETURNING queue, id
"""
# Counts deliveries in the same statement, so that a message that crashes its process is counted too.
_LOAD: Final = """
    WITH next AS (
        SELECT queue, id FROM bus_messages WHERE queue = $1 AND id <> ALL ($2::bigint[]) ORDER BY id LIMIT $3
    )
    UPDATE bus_messages AS m SET deliveries = m.deliveries + 1
    FROM next WHERE m.queue = next.queue AND m.id = next.id
    RETURNING m.id, m.deliveries, m.exchange, m.routing_key, m.body, m.message_id, m.content_type,
        m.headers::text AS headers, extract(epoch FROM now() - m.published_at)::float8 AS age_seconds
"""
_COUNT: Final = """
    UPDATE bus_messages AS m SET deliveries = counted.deliveries
    FROM unnest($2::bigint[], $3::int[]) AS counted (id, deliveries)
    WHERE m.queue = $1 AND m.id = counted.id
"""
_DELETE: Final = """
    DELETE FROM bus_messages USING (SELECT set_config('synchronous_commit', 'off', true)) AS at_leisure
    WHERE queue = $1 AND id = ANY ($2::bigint[])
"""
_BURY_EXPIRED: Final = """
    WITH expired AS (
        DELETE FROM bus_messages
        WHERE queue = $1 AND published_at < now() - $2::interval AND id <> ALL ($3::bigint[])
        RETURNING *
    )
    INSERT INTO bus_messages (queue, deliveries, exchange, routing_key, body, message_id, content_type, headers)
    SELECT grave, 0, $4, expired.queue, body, message_id, content_type,
        headers || jsonb_build_object($6::text, 'expired', $7::text, expired.queue, $8::text, exchange,
            $9::text, routing_key)
    FROM expired CROSS JOIN unnest($5::text[]) AS grave
"""
_PRUNE: Final = """
    DELETE FROM bus_messages WHERE queue = $1 AND published_at < now() - $2::interval AND id IN (
        SELECT id FROM bus_messages WHERE queue = $1 ORDER BY id LIMIT $3
    )
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Queue of a message, and whether the message is handed over in memory."""

    queue: str
    is_handed_over: bool


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """Message in one queue; *deliveries* counts this one."""

    id: int
    deliveries: int
    message: Message
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DeadLetterQueues:
    """Exchange and queues of dead letters."""

    exchange: Exchange
    queues: Sequence[str]


class MessageStore:
    """Statements of the bus, each one round trip; TransientError when the database is away."""

    def __init__(self, pool: Pool, dead_letters: DeadLetterQueues) -> None:
        self._pool = pool
        self._dead_letters = dead_letters
        self._is_reachable = False

    def is_reachable(self) -> bool:
        """Return whether the database answered the last statement."""
        return self._is_reachable

    async def ping(self) -> None:
        """Check that the database answers."""
        async with self._connection() as connection:
            await connection.execute("SELECT 1")

    async def publish(self, message: Message, targets: Sequence[Target]) -> dict[str, int]:
        """Store *message* for all *targets* or none; return the id of each one's row."""
        queues = [target.queue for target in targets]
        deliveries = [int(target.is_handed_over) for target in targets]
        async with self._connection() as connection:
            rows = await connection.fetch(
                _PUBLISH,
                queues,
                deliveries,
                message.exchange,
                message.routing_key,
                message.body,
                message.message_id,
                message.content_type,
                json.dumps(dict(message.headers)),
            )
        return {row["queue"]: row["id"] for row in rows}

    async def load(self, queue: str, *, known: Collection[int], limit: int) -> list[StoredMessage]:
        """Return the oldest rows of *queue* that are not *known*, oldest first, and count their delivery."""
        async with self._connection() as connection:
            records = await connection.fetch(_LOAD, queue, list(known), limit)
        return sorted((_row(record) for record in records), key=lambda row: row.id)

    async def count(self, queue: str, deliveries: Mapping[int, int]) -> None:
        """Store the number of deliveries of each message, by id."""
        if not deliveries:
            return
        async with self._connection() as connection:
            await connection.execute(_COUNT, queue, list(deliveries), list(deliveries.values()))

    async def delete(self, queue: str, ids: Sequence[int]) -> None:
        async with self._connection() as connection:
            await connection.execute(_DELETE, queue, ids)

    async def bury_expired(self, queue: Queue, *, known: Collection[int] = ()) -> None:
        """Move the expired messages of *queue* to its dead letters, if it has any, except the *known*."""
        async with self._connection() as connection:
            await connection.execute(
                _BURY_EXPIRED,
                queue.name,
                queue.time_to_live,
                list(known),
                self._dead_letters.exchange.name,
                self._dead_letters.queues if queue.dead_letters else [],
                delivery.REASON,
                delivery.QUEUE,
                delivery.ORIGINAL_EXCHANGE,
                delivery.ORIGINAL_ROUTING_KEY,
            )

    async def prune(self, queue: str, *, older_than: timedelta, limit: int) -> None:
        """Delete the messages of *queue* that are too old, up to *limit* of them."""
        async with self._connection() as connection:
            await connection.execute(_PRUNE, queue, older_than, limit)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        answered = False
        try:
            with away_is_transient():
                async with asyncio.timeout(TIMEOUT_SECONDS), self._pool.acquire() as connection:
                    yield connection
            answered = True
        finally:
            self._is_reachable = answered


def _row(record: asyncpg.Record) -> StoredMessage:
    message = Message(
        exchange=record["exchange"],
        routing_key=record["routing_key"],
        body=record["body"],
        message_id=record["message_id"],
        content_type=record["content_type"],
        headers=json.loads(record["headers"]),
    )
    return StoredMessage(record["id"], record["deliveries"], message, record["age_seconds"])
