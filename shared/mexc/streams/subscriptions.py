"""Subscriptions of one connection: pending, granted and due for a retry. No I/O, no clock."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.mexc.streams.control_frame import UNSUBSCRIPTION_ID, Answer, subscription, unsubscription


@dataclass(frozen=True, slots=True)
class _Pending:
    """Channel that is not granted yet."""

    again_at: float
    alone: bool = False
    """Requested alone, so that a refusal concerns no other channel."""
    refusals: int = 0


class Subscriptions:
    """Matches answers to requests. All times are seconds of one clock.

    Channels are requested together at first. Where that is not granted as a whole they are requested one by one, since
    the answer to a request for many does not show for certain which of them it grants.
    """

    def __init__(self, answer_seconds: float, retry_seconds: Callable[[int], float]) -> None:
        """*retry_seconds* returns the back-off after refusal number n (from 0) of a channel."""
        self._answer_seconds = answer_seconds
        self._retry_seconds = retry_seconds
        self._granted: set[str] = set()
        self._pending: dict[str, _Pending] = {}

    def covers(self, channels: AbstractSet[str]) -> bool:
        """Return whether all of *channels* are granted."""
        return channels <= self._granted

    def is_refused(self) -> bool:
        """Return whether every request was refused."""
        return not self._granted and all(pending.alone and pending.refusals for pending in self._pending.values())

    def due(self, wanted: AbstractSet[str], now: float) -> list[str]:
        """Return the requests to send now, so that the connection follows exactly *wanted*."""
        requests = []
        if dropped := (self._granted | self._pending.keys()) - wanted:
            self._granted -= dropped
            self._drop_pending(dropped)
            requests.append(unsubscription(dropped))
        overdue = sorted(channel for channel, pending in self._pending.items() if pending.again_at <= now)
        if new := wanted - self._granted - self._pending.keys():
            self._ask(new, now)
            requests.append(subscription(new))
        for channel in overdue:
            self._ask({channel}, now)
            requests.append(subscription([channel]))
        return requests

    def answered(self, answer: Answer, now: float) -> bool:
        """Process *answer*; return whether it is a refusal."""
        if answer.id == UNSUBSCRIPTION_ID or not self._pending:
            return False
        if (granted := answer.grants()) <= self._granted | self._pending.keys():
            self._granted |= granted
            self._drop_pending(granted)
            return False
        if any(not pending.alone for pending in self._pending.values()):
            # Each alone, at once.
            for channel, pending in self._pending.items():
                if not pending.alone:
                    self._pending[channel] = _Pending(now, alone=True)
            return True
        for channel in answer.refuses() & self._pending.keys() or set(self._pending):
            refusals = self._pending[channel].refusals
            self._pending[channel] = _Pending(now + self._retry_seconds(refusals), alone=True, refusals=refusals + 1)
        return True

    def _ask(self, channels: AbstractSet[str], now: float) -> None:
        for channel in channels:
            before = self._pending.get(channel)
            refusals = before.refusals if before else 0
            self._pending[channel] = _Pending(now + self._answer_seconds, len(channels) == 1, refusals)

    def _drop_pending(self, channels: AbstractSet[str]) -> None:
        for channel in channels:
            self._pending.pop(channel, None)
