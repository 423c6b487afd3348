"""Subscribers of the stream: each has a queue of its own with an end, and one that is too slow is let go."""

import asyncio
from typing import Final

from api.error_handlers import ApiError

SUBSCRIBERS_MAX: Final = 100
RESUMING_MAX: Final = 2
FRAMES_MAX: Final = 256
"""Frames, or batches of them, that may wait for one client; it resumes from the log when it comes back."""


class Subscriber:
    """Frames on their way to one client."""

    def __init__(self, position: int) -> None:
        self.position = position
        """The last event before its first frame."""
        self.ended = asyncio.Event()
        """Set where no more frames come: it was too slow, or the stream ends."""
        self.too_slow = False
        self._frames = asyncio.Queue[bytes](FRAMES_MAX)

    def put(self, frames: bytes) -> None:
        """Add *frames*; let the client go where too many wait."""
        try:
            self._frames.put_nowait(frames)
        except asyncio.QueueFull:
            self.too_slow = True
            self.ended.set()

    async def next(self) -> bytes:
        """Return all frames that wait, once there is one."""
        frames = [await self._frames.get()]
        while not self._frames.empty():
            frames.append(self._frames.get_nowait())
        return b"".join(frames)


class Hub:
    """Hands each frame to every subscriber."""

    def __init__(self) -> None:
        self.position: int | None = None
        """Of the last event that was handed out; None until the log was read for the first time."""
        self.known = asyncio.Event()
        """Set once the position is known."""
        self.wanted = asyncio.Event()
        """Set when there is something to be read for somebody."""
        self.watched = asyncio.Event()
        """Set when states are to be shown at once: somebody came, or the database is back."""
        self.stirred = asyncio.Event()
        """Set when summaries may have changed: something happened, somebody came, or the database is back."""
        self.resuming = asyncio.Semaphore(RESUMING_MAX)
        """Held while missed events are read: all pages come back at once after a restart."""
        self.dropped = 0
        """Clients that were too slow."""
        self._subscribers: set[Subscriber] = set()
        self._states: dict[str, bytes] = {}
        self._closed = False

    @property
    def subscribers(self) -> int:
        """How many clients there are."""
        return len(self._subscribers)

    def begin(self, position: int) -> None:
        """Take *position* for the last event before all that will be handed out."""
        self.position = position
        self.known.set()

    def subscribe(self) -> Subscriber:
        """Add a subscriber; raises ApiError (503) where there are too many, or the stream ends."""
        if self._closed or len(self._subscribers) >= SUBSCRIBERS_MAX:
            why = "the API is stopping" if self._closed else f"there are {SUBSCRIBERS_MAX} streams already"
            raise ApiError(503, "no_stream", why, headers={"Retry-After": "5"})
        assert self.position is not None
        if not self._subscribers:
            self._states.clear()  # Nobody has read them for a while.
        subscriber = Subscriber(self.position)
        self._subscribers.add(subscriber)
        self.wanted.set()
        self.watched.set()
        self.stirred.set()
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Forget *subscriber*."""
        self._subscribers.discard(subscriber)

    def publish(self, position: int, frames: bytes) -> None:
        """Hand out the events of the log up to *position*, which may be none that can be shown."""
        self.position = position
        if frames:
            self.send(frames)
            self.stirred.set()

    def show(self, state: str, frame: bytes) -> None:
        """Hand out a state that replaces the one before; later subscribers get it first."""
        self._states[state] = frame
        self.send(frame)

    def send(self, frames: bytes) -> None:
        """Hand out what is of this moment only."""
        for subscriber in list(self._subscribers):
            subscriber.put(frames)
            if subscriber.too_slow:
                self.dropped += 1
                self._subscribers.discard(subscriber)

    def is_shown(self, state: str) -> bool:
        """Return whether later subscribers would get this state."""
        return state in self._states

    def states(self) -> bytes:
        """Return every state as it was shown last."""
        return b"".join(self._states.values())

    def forget_states(self) -> None:
        """Show later subscribers nothing that may have changed unseen."""
        self._states.clear()

    def close(self) -> None:
        """End every stream, and begin no more."""
        self._closed = True
        for subscriber in self._subscribers:
            subscriber.ended.set()
        self._subscribers.clear()
