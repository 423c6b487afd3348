"""Port of the broker. Bytes only: the contract is `shared.events`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: Literal["topic", "fanout"] = "topic"
    is_vital: bool = True
    """Whether services wait for it; one used by monitoring alone may be missing."""


@dataclass(frozen=True, slots=True)
class Binding:
    exchange: Exchange
    pattern: str


@dataclass(frozen=True, slots=True)
class Queue:
    """Durable queue, and the limits of its consumers."""

    name: str
    bindings: Sequence[Binding]
    kind: Literal["quorum", "stream"] = "quorum"
    prefetch: int = 16
    """Messages handled at once by one consumer; 1 keeps strict order."""
    time_to_live: timedelta | None = None
    """Older messages go to the dead letters."""
    attempts_max: int = 5
    """Failed deliveries of one message before it goes to the dead letters."""
    deliveries_max: int = 20
    """Unanswered deliveries of one message before it goes to the dead letters.

    More than the attempts: every lost connection and every killed process counts, for each message it held.
    """
    retry_delay: timedelta = timedelta(milliseconds=200)
    """Back-off before a failed message is requeued; doubled with each attempt."""
    dead_letters: bool = True
    """Without, a message whose handler fails is requeued with back-off until it succeeds."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Exchanges and queues on one broker."""

    exchanges: Sequence[Exchange]
    queues: Sequence[Queue]
    dead: Exchange


@dataclass(frozen=True, slots=True)
class Message:
    """Message with its address, and the id that duplicates share."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    type: str = ""
    """Type of the event, for readers on a broker; a bus may drop it."""


Handler = Callable[[Message], Awaitable[Sequence[Message]]]
"""Values in, values out: returned messages are published before the message is acknowledged.

It raises TransientError to have the message retried until a dependency is back, PermanentError to send it to
the dead letters; any other error is a bug, retried a few times and then dead-lettered.
"""


class Publish(Protocol):
    async def __call__(self, message: Message, /) -> None:
        """Return once the broker confirms *message* in a queue; raise TransientError otherwise."""


class Bus(Protocol):
    """A durable broker. Delivery is at least once: handlers are idempotent by a natural key."""

    async def publish(self, message: Message, /) -> None:
        """See `Publish`."""

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        """Deliver messages to *handle* until *until* is set, then let running handlers finish.

        Handlers start in the order of the queue, at most ``queue.prefetch`` at once. Those that overrun the drain time
        are cancelled, which is logged; their messages stay in the queue.
        """

    def is_connected(self) -> bool:
        """Return whether messages flow now."""


def matches(pattern: str, routing_key: str) -> bool:
    """Return whether an AMQP topic *pattern* covers *routing_key* (``*`` one word, ``#`` any number)."""
    return _words_match(pattern.split("."), routing_key.split("."))


def _words_match(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_words_match(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and head in {"*", words[0]} and _words_match(rest, words[1:])
