"""Schedule of the looks at positions. Pure: the time is an argument."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from executor.exits.look_interval import SINGLE_BOOKS_MAX, look_interval_seconds, look_weight
from executor.model import PositionState, WatchedPosition
from executor.settings import ExecutorSettings

WATCHED: Final = frozenset({PositionState.OPEN, PositionState.CLOSING})
"""These are looked at in every interval; dust, and positions that cannot be sold, now and then."""
RETRY_SECONDS_MAX: Final = 1.0
"""A position that waits for a retry is looked at so often at least, for it may not be due any more."""
_WAIT_SECONDS_MIN: Final = 0.02

LookSpacing = Callable[[int], float]
"""Returns the least seconds between requests of a weight that the rate limits sustain now."""


def unlimited(_weight: int) -> float:
    return 0.0


class LookSchedule:
    """One interval for all, as short as the rate limits allow for so many symbols; quick looks are for urgent ones.

    They need the weight that the others would take in quick looks. Where one request is for the prices of all, all are
    looked at together.
    """

    def __init__(self, settings: ExecutorSettings, apart: LookSpacing = unlimited) -> None:
        """Looks are as far apart as *apart* returns at least: using up the rate limit would end them."""
        self._settings = settings
        self._apart = apart
        self._turn_at: dict[str, float] = {}
        self._together_at = float("-inf")
        self._rarely_at: dict[str, float] = {}

    def take_turn(self, each: WatchedPosition, now: float) -> bool:
        """Return whether *each* is to be looked at now; one that is looked at rarely has used its turn then."""
        if each.position.state in WATCHED:
            return each.close_requested or now >= self._turn_at.get(each.name, 0.0)
        if each.position.state is PositionState.EXTERNAL:
            return False  # The account does not hold it; the balances show when it is back.
        if now < self._rarely_at.get(each.name, 0.0):
            return False
        self._rarely_at[each.name] = now + self._settings.rare_check_seconds
        return True

    def wait_seconds(self, now: float) -> float:
        """Return the time until the next turn."""
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
        """Record a look: of *calm* positions another soon after would decide nothing.

        Those in *waiting* are due, and retried in so many seconds, or in the next interval where that is zero.
        """
        names = {each.name for each in held}
        often = {each.name: each.position.symbol for each in held if each.position.state in WATCHED}
        symbols = len(set(often.values()))
        turn_at = self._next_turn(symbols, now)
        # Due positions are looked at within the share of sales: they do not wait for the share of routine looks.
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
        interval = max(look_interval_seconds(symbols, self._settings), self._apart(look_weight(symbols)))
        if symbols <= SINGLE_BOOKS_MAX:
            return now + interval
        if now >= self._together_at:
            self._together_at = now + interval
        return self._together_at
