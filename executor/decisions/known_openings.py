"""The openings that exchangeInfo told after a listing that told none: what shows that a coin is old. Pure."""

from datetime import datetime
from typing import Final

from executor.decisions.freshness import Ages, overdue
from executor.model.reasons import Reason, Refusal
from shared.events import Listing

_KEPT_MAX: Final = 1_000


class KnownOpenings:
    """One memory for all who ask exchangeInfo, whatever they ask it for: what came along counts."""

    def __init__(self) -> None:
        self.told: dict[str, datetime] = {}
        """By symbol. Whoever is in a hurry looks here whether there is anything to judge."""

    def learn(self, symbol: str, opened_at: datetime | None) -> None:
        """Keep when *symbol* opens or opened, where that was told; the oldest makes room."""
        if opened_at is None:
            return
        self.told.pop(symbol, None)
        while len(self.told) >= _KEPT_MAX:
            self.told.pop(next(iter(self.told)))
        self.told[symbol] = opened_at

    def too_old(self, listing: Listing, ages: Ages, now: datetime) -> Refusal | None:
        """Return why *listing* is not bought: it told no opening, and opened long ago; None where that is not so."""
        opened_at = self.told.get(listing.symbol)
        # Of a symbol that came back the exchange may name the opening of its former life still.
        if opened_at is None or listing.opens_at is not None or listing.occurrence > 1:
            return None
        age = overdue(listing.model_copy(update={"opens_at": opened_at}), ages, now)
        return None if age is None else Refusal(Reason.STALE_LISTING, f"it opened on {opened_at:%Y-%m-%d}")
