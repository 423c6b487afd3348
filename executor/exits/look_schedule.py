"""Turns of the positions to be looked at. Pure: the time is an argument."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from executor.exits.look_interval import SINGLE_BOOKS_MAX, look_interval_seconds, look_weight
from executor.model.position import PositionState
from executor.model.watched_position import WatchedPosition
from executor.settings import ExecutorSettings

WATCHED: Final = frozenset({PositionState.OPEN, PositionState.CLOSING})
"""These have a turn in every beat; dust, and what cannot be sold, now and then."""
RETRY_SECONDS_MAX: Final = 1.0
"""One that waits for another try is looked at so often at least, for it may not be due any more."""
_WAIT_SECONDS_MIN: Final = 0.02

LookSpacing = Callable[[int], float]
"""Returns how far apart requests of a weight can go on and on within what the rate limits leave now."""


def unlimited(_weight: int) -> float:
    return 0.0


class LookSchedule:
    """A beat for all, as quick as the rate limits allow for so many symbols; quick looks are for what is urgent.

    The weight that the others would take in quick looks would be missing there. Where one question is for the prices
    of all, all have their turn together.
    """

    def __init__(self, settings: ExecutorSettings, apart: LookSpacing = unlimited) -> None:
        """Looks are further apart where *apart* says so: better that than to use up what is left, and see nothing."""
        self._settings = settings
        self._apart = apart
        self._turn_at: dict[str, float] = {}
        self._together_at = float("-inf")
        self._rarely_at: dict[str, float] = {}

    def is_its_turn(self, each: WatchedPosition, now: float) -> bool:
        """Return whether *each* is to be looked at now."""
        if each.position.state in WATCHED:
            return each.close_requested or now >= self._turn_at.get(each.name, 0.0)
        if each.position.state is PositionState.EXTERNAL:
            return False  # Nothing is there; the balances show when it is back.
        if now < self._rarely_at.get(each.name, 0.0):
            return False
        self._rarely_at[each.name] = now + self._settings.rare_check_seconds
        return True

    def wait_seconds(self, now: float) -> float:
        """Return how soon one of those that wait for their turn has it."""
        ahead = [at for at in self._turn_at.values() if at > now]
        return max(_WAIT_SECONDS_MIN, min(ahead, default=float("inf")) - now)

    def looked(
        self,
        held: Collection[WatchedPosition],
        watched: Collection[str],
        calm: Collection[str],
        waiting: Mapping[str, float],
        now: float,
    ) -> None:
        """Take note of a look: of those that are *calm* another soon after would decide nothing.

        Those in *waiting* are due, and tried again in so many seconds, or in the next beat where that is none.
        """
        names = {each.name for each in held}
        often = {each.name: each.position.symbol for each in held if each.position.state in WATCHED}
        symbols = len(set(often.values()))
        turn_at = self._next_turn(symbols, now)
        # What is due is looked at within the share of sales: nothing that is left to routine looks keeps it waiting.
        due_at = min(turn_at, now + look_interval_seconds(symbols, self._settings))
        kept = {name: at for name, at in self._turn_at.items() if name in names and name not in watched}
        self._turn_at = kept | {name: turn_at for name in calm if name in often}
        self._turn_at |= {
            name: now + min(left, RETRY_SECONDS_MAX) if left > 0 else due_at for name, left in waiting.items()
        }
        self._rarely_at = {name: at for name, at in self._rarely_at.items() if name in names}

    def _next_turn(self, symbols: int, now: float) -> float:
        if symbols == 0:
            return now
        beat = max(look_interval_seconds(symbols, self._settings), self._apart(look_weight(symbols)))
        if symbols <= SINGLE_BOOKS_MAX:
            return now + beat
        if now >= self._together_at:
            self._together_at = now + beat
        return self._together_at
