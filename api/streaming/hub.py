"""Subscribers of the stream: each has a bounded queue, and a slow one is dropped."""

import asyncio
from typing import Final

from api.error_handlers import ApiError

SUBSCRIBERS_MAX: Final = 100
OF_ONE_TOKEN_MAX: Final = 20
"""Streams of one token with its sessions: no token takes the connections that others need, a halt among them."""
RESUMING_MAX: Final = 2
FRAMES_MAX: Final = 256
"""Queued frames, or batches of them, per client; a dropped one resumes from the log when it reconnects."""


class Subscriber:
    """Queue of frames to one client."""

    def __init__(self, position: int, token_id: int | None = None) -> None:
        self.position = position
        """The last event before its first frame."""
        self.token_id = token_id
        self.ended = asyncio.Event()
        """Set when no more frames follow: it was too slow, or the stream ends."""
        self.too_slow = False
        self._frames = asyncio.Queue[bytes](FRAMES_MAX)

    def put(self, frames: bytes) -> None:
        """Add *frames*; drop the client if its queue is full."""
        try:
            self._frames.put_nowait(frames)
        except asyncio.QueueFull:
            self.too_slow = True
            self.ended.set()

    async def next(self) -> bytes:
        """Wait for a frame, and return all queued ones."""
        frames = [await self._frames.get()]
        while not self._frames.empty():
            frames.append(self._frames.get_nowait())
        return b"".join(frames)


class Hub:
    """Sends each frame to every subscriber."""

    def __init__(self) -> None:
        self.position: int | None = None
        """Of the last published event; None until the log was first read."""
        self.position_known = asyncio.Event()
        """Set once the position is known."""
        self.read_requested = asyncio.Event()
        """Set when the log should be read at once."""
        self.states_requested = asyncio.Event()
        """Set when states should be published at once: a new client, or the database is back."""
        self.summaries_requested = asyncio.Event()
        """Set when summaries may have changed: an event, a new client, or the database is back."""
        self.resuming = asyncio.Semaphore(RESUMING_MAX)
        """Limits concurrent reads of missed events: all pages reconnect at once after a restart."""
        self.dropped = 0
        """Number of clients dropped as too slow."""
        self._subscribers: set[Subscriber] = set()
        self._states: dict[str, bytes] = {}
        self._closed = False

    @property
    def subscribers(self) -> int:
        """Number of clients."""
        return len(self._subscribers)

    def begin(self, position: int) -> None:
        """Set the *position* before the first event to publish."""
        self.position = position
        self.position_known.set()

    def subscribe(self, token_id: int | None = None) -> Subscriber:
        """Add a subscriber of a token; raises ApiError (503) if there are too many, or the stream ends."""
        if (why := self._objection(token_id)) is not None:
            raise ApiError(503, "no_stream", why, headers={"Retry-After": "5"})
        assert self.position is not None
        if not self._subscribers:
            self._states.clear()  # Outdated: they are not read without clients.
        subscriber = Subscriber(self.position, token_id)
        self._subscribers.add(subscriber)
        self.read_requested.set()
        self.states_requested.set()
        self.summaries_requested.set()
        return subscriber

    def _objection(self, token_id: int | None) -> str | None:
        if self._closed:
            return "the API is stopping"
        if len(self._subscribers) >= SUBSCRIBERS_MAX:
            return f"there are {SUBSCRIBERS_MAX} streams already"
        of_token = sum(each.token_id == token_id for each in self._subscribers if token_id is not None)
        return None if of_token < OF_ONE_TOKEN_MAX else f"this token has {OF_ONE_TOKEN_MAX} streams already"

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove *subscriber*."""
        self._subscribers.discard(subscriber)

    def publish(self, position: int, frames: bytes) -> None:
        """Send the events of the log up to *position*; there may be no frame to send."""
        self.position = position
        if frames:
            self.send(frames)
            self.summaries_requested.set()

    def show(self, state: str, frame: bytes) -> None:
        """Send a state that replaces its predecessor; later subscribers get it first."""
        self._states[state] = frame
        self.send(frame)

    def send(self, frames: bytes) -> None:
        """Send *frames* to the current subscribers only."""
        for subscriber in list(self._subscribers):
            subscriber.put(frames)
            if subscriber.too_slow:
                self.dropped += 1
                self._subscribers.discard(subscriber)

    def is_shown(self, state: str) -> bool:
        """Return whether later subscribers would get this state."""
        return state in self._states

    def states(self) -> bytes:
        """Return the latest frame of every state."""
        return b"".join(self._states.values())

    def forget_states(self) -> None:
        """Forget all states, which may have changed unnoticed."""
        self._states.clear()

    def close(self) -> None:
        """End every stream, and accept no more."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.ended.set()
        self._subscribers.clear()
