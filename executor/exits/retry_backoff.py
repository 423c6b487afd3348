"""Back-off between sales of a position that could not be sold: short, for the price may be falling."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

WAIT_SECONDS_MAX: Final = 1.0
ALARMED_SECONDS_MAX: Final = 3.0
"""Once so many attempts failed that a person should look."""
GAIN_SECONDS_MAX: Final = 30.0
"""The same where only a gain is to be taken, which has its floor."""


@dataclass(frozen=True, slots=True)
class _Wait:
    tried_at: float
    seconds: float
    """Before it is tried again; a gain waits for so long, and what is urgent no longer than it may."""
    base_qty: Decimal
    """What was held when it was tried."""
    attempts: int

    def until(self, attempts_alarm: int, *, is_gain: bool) -> float:
        """Return the moment of the next attempt."""
        return self.tried_at + min(self.seconds, _ceiling(is_alarming=self.attempts >= attempts_alarm, is_gain=is_gain))


class RetryBackoff:
    """Pure: the time comes in as an argument."""

    def __init__(self, first_seconds: float, *, attempts_alarm: int) -> None:
        self._first_seconds = first_seconds
        self._attempts_alarm = attempts_alarm
        self._waits: dict[str, _Wait] = {}

    def is_over(self, name: str, base_qty: Decimal, now: float, *, is_gain: bool = False) -> bool:
        """Tell whether it may be tried now. One of which some was sold is not kept waiting for what failed before."""
        wait = self._waits.get(name)
        return wait is None or wait.base_qty != base_qty or now >= wait.until(self._attempts_alarm, is_gain=is_gain)

    def left_seconds(self, name: str, now: float, *, is_gain: bool = False) -> float:
        """Return how long until it may be tried again."""
        wait = self._waits.get(name)
        return 0.0 if wait is None else max(0.0, wait.until(self._attempts_alarm, is_gain=is_gain) - now)

    def tried(self, name: str, base_qty: Decimal, now: float) -> None:
        """Take note of an attempt, whatever comes of it."""
        before = self._waits.get(name)
        if before is None or before.base_qty != base_qty:
            self._waits[name] = _Wait(now, self._first_seconds, base_qty, 1)
            return
        attempts = before.attempts + 1
        ceiling = _ceiling(is_alarming=attempts >= self._attempts_alarm, is_gain=True)
        self._waits[name] = _Wait(now, min(ceiling, before.seconds * 2), base_qty, attempts)

    def alarming(self) -> Collection[str]:
        """Return those of which so many attempts in a row sold nothing that a person should look."""
        return sorted(name for name, wait in self._waits.items() if wait.attempts >= self._attempts_alarm)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget those that no longer want to be sold."""
        self._waits = {name: wait for name, wait in self._waits.items() if name in names}


def _ceiling(*, is_alarming: bool, is_gain: bool) -> float:
    if not is_alarming:
        return WAIT_SECONDS_MAX
    return GAIN_SECONDS_MAX if is_gain else ALARMED_SECONDS_MAX
