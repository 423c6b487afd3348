"""The answer to an order's request, and the last say before it is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MayWrite = Callable[[], bool]
"""Asked right before the first byte: whether it may still be written, after whatever was waited for."""


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Answer:
    """The exchange's answer, whatever the status: judging it is the caller's."""

    status: int
    headers: Mapping[str, str]
    """Those of content-type, date and retry-after that came, in lowercase."""
    body: bytes = field(repr=False)
    sent_at: datetime
    """By the wall clock, for people to read: nothing about an order is decided by it."""
    latency_seconds: float
    """From handing the request to the socket to holding the whole reply, on a clock that cannot step."""

    @property
    def answered_at(self) -> datetime:
        return self.sent_at + timedelta(seconds=self.latency_seconds)
