"""What a service may ask of the broker. Bytes only: the contract is `shared.events`."""

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
    """Whether a service waits for it; one that only watching goes through may be missing."""


@dataclass(frozen=True, slots=True)
class Binding:
    exchange: Exchange
    pattern: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue and the limits its consumers keep."""

    name: str
    bindings: Sequence[Binding]
    kind: Literal["quorum", "stream"] = "quorum"
    prefetch: int = 16
    """Messages handled at once by one consumer; 1 keeps strict order."""
    time_to_live: timedelta | None = None
    """Older messages are not delivered but go to the dead letters."""
    attempts_max: int = 5
    """Deliveries of one message whose handler fails before it goes to the dead letters."""
    deliveries_max: int = 20
    """Deliveries of one message that nobody answers before it goes to the dead letters.

    Larger than the attempts: every lost connection and every killed process is one, for each message it held.
    """
    retry_delay: timedelta = timedelta(milliseconds=200)
    """Wait before a failed message is handed back; it doubles with each attempt."""
    dead_letters: bool = True
    """Without, a message whose handler fails is handed back, later and later, until it succeeds."""


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything one broker holds for us."""

    exchanges: Sequence[Exchange]
    queues: Sequence[Queue]
    dead: Exchange


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its address, its bytes, and who it is to those that count duplicates."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    content_type: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    type: str = ""
    """What the bytes are, for readers on a broker; a bus that has none may forget it."""


Handler = Callable[[Message], Awaitable[Sequence[Message]]]
"""Values in, values out: what a handler returns is published before its message is acknowledged.

It raises TransientError to keep its message until a dependency is back, PermanentError to send it to
the dead letters; anything else is a fault of ours, retried a few times and then dead-lettered.
"""


class Publish(Protocol):
    async def __call__(self, message: Message, /) -> None:
        """Return once the broker answers for *message* and a queue holds it; TransientError otherwise."""


class Bus(Protocol):
    """A durable broker. Delivery is at least once: handlers are idempotent by a natural key."""

    async def publish(self, message: Message, /) -> None:
        """See `Publish`."""

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        """Feed *handle* until *until* is set, then let the running handlers finish.

        Handlers start in the order of the queue, at most ``queue.prefetch`` at once. Raises TimeoutError
        when handlers overrun the drain time; their messages stay in the queue.
        """

    def is_connected(self) -> bool:
        """Tell whether messages flow now."""


def matches(pattern: str, routing_key: str) -> bool:
    """Tell whether an AMQP topic *pattern* covers *routing_key* (``*`` one word, ``#`` any number)."""
    return _words_match(pattern.split("."), routing_key.split("."))


def _words_match(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_words_match(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and head in {"*", words[0]} and _words_match(rest, words[1:])
