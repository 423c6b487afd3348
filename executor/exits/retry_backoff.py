"""Back-off between sales of a position that could not be sold: short, for the price may be falling."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

WAIT_SECONDS_MAX: Final = 1.0
ALARMED_SECONDS_MAX: Final = 3.0
"""After so many failed attempts that an alarm is raised."""
GAIN_SECONDS_MAX: Final = 30.0
"""The same where only a gain is to be taken, which has a floor."""


@dataclass(frozen=True, slots=True)
class _Wait:
    tried_at: float
    seconds: float
    """The back-off of a gain; an urgent sale waits no longer than its own ceiling."""
    base_qty: Decimal
    """Held at the attempt."""
    attempts: int

    def until(self, attempts_alarm: int, *, is_gain: bool) -> float:
        """Return the time of the next attempt."""
        return self.tried_at + min(self.seconds, _ceiling(is_alarming=self.attempts >= attempts_alarm, is_gain=is_gain))


class RetryBackoff:
    """Pure: the time comes in as an argument."""

    def __init__(self, first_seconds: float, *, attempts_alarm: int) -> None:
        self._first_seconds = first_seconds
        self._attempts_alarm = attempts_alarm
        self._waits: dict[str, _Wait] = {}

    def is_over(self, name: str, base_qty: Decimal, now: float, *, is_gain: bool = False) -> bool:
        """Return whether it may be tried now. After a sale of a part the failures before do not count."""
        wait = self._waits.get(name)
        return wait is None or wait.base_qty != base_qty or now >= wait.until(self._attempts_alarm, is_gain=is_gain)

    def left_seconds(self, name: str, now: float, *, is_gain: bool = False) -> float:
        """Return the seconds left of the back-off."""
        wait = self._waits.get(name)
        return 0.0 if wait is None else max(0.0, wait.until(self._attempts_alarm, is_gain=is_gain) - now)

    def tried(self, name: str, base_qty: Decimal, now: float) -> None:
        """Record an attempt, whatever its result."""
        before = self._waits.get(name)
        if before is None or before.base_qty != base_qty:
            self._waits[name] = _Wait(now, self._first_seconds, base_qty, 1)
            return
        attempts = before.attempts + 1
        ceiling = _ceiling(is_alarming=attempts >= self._attempts_alarm, is_gain=True)
        self._waits[name] = _Wait(now, min(ceiling, before.seconds * 2), base_qty, attempts)

    def alarming(self) -> Collection[str]:
        """Return the names of positions of which so many attempts in a row sold nothing that an alarm is due."""
        return sorted(name for name, wait in self._waits.items() if wait.attempts >= self._attempts_alarm)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not to be sold any more."""
        self._waits = {name: wait for name, wait in self._waits.items() if name in names}


def _ceiling(*, is_alarming: bool, is_gain: bool) -> float:
    if not is_alarming:
        return WAIT_SECONDS_MAX
    return GAIN_SECONDS_MAX if is_gain else ALARMED_SECONDS_MAX
