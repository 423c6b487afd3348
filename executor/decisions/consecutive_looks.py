"""Count looks in a row that showed the same, and their duration: one look proves little. Pure."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Streak:
    """Looks in a row."""

    looks: int
    began_at: float
    last_at: float
    pushes: int = 0
    """Pushes of a stream among them, each of which counts, however soon it comes."""
    last_push: int = 0

    @property
    def seconds(self) -> float:
        return self.last_at - self.began_at

    def is_confirmed(self, looks: int, seconds: float = 0.0) -> bool:
        """Return whether it was seen in at least so many looks, over so many seconds."""
        return self.looks >= looks and self.seconds >= seconds


class Streaks:
    """Counts by the name of the position and the thing seen; the time is an argument."""

    def __init__(self, apart_seconds: float) -> None:
        self._apart_seconds = apart_seconds
        self._streaks: dict[tuple[str, str], Streak] = {}

    def seen(self, name: str, what: str, now: float, *, push: int | None = None) -> Streak:
        """Count one more look, unless it comes too soon after the last one to show anything new.

        *push* is the number of the push that it was by, which counts as one once.
        """
        before = self._streaks.get((name, what)) or Streak(0, now, float("-inf"))
        is_new = now - before.last_at >= self._apart_seconds
        looks, last_at = (before.looks + 1, now) if is_new else (before.looks, before.last_at)
        last_push = max(before.last_push, push or 0)
        pushes = before.pushes + (last_push > before.last_push)
        after = self._streaks[name, what] = Streak(looks, before.began_at, last_at, pushes, last_push)
        return after

    def has(self, name: str, what: str) -> bool:
        """Return whether the last look that could show it did."""
        return (name, what) in self._streaks

    def reset(self, name: str, what: str) -> None:
        """Start again from zero: a look showed something else."""
        self._streaks.pop((name, what), None)

    def contradict(self, name: str, whats: Collection[str], now: float, push: int | None) -> None:
        """Start each of *whats* from zero that was first seen by *now*, when the look that shows otherwise was begun.

        A look that began before says nothing of what a push showed since. Nor does a *push* of what looks alone showed:
        a stream may lag behind.
        """
        for what in whats:
            streak = self._streaks.get((name, what))
            if streak is not None and streak.began_at <= now and (push is None or streak.pushes):
                self.reset(name, what)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget other positions."""
        self._streaks = {key: streak for key, streak in self._streaks.items() if key[0] in names}
