"""Openings that exchangeInfo named after a listing that named none: they show that a coin is old. Pure."""

from datetime import datetime
from typing import Final

from executor.decisions.freshness import AgeSettings, age_if_too_old
from executor.model.reasons import Reason, Refusal
from shared.events import Listing

_KEPT_MAX: Final = 1_000


class KnownOpenings:
    """One memory for every reader of exchangeInfo: each answer carries the opening of its symbol."""

    def __init__(self) -> None:
        self.by_symbol: dict[str, datetime] = {}
        """Read directly on the hot path, to see whether there is anything to judge."""

    def learn(self, symbol: str, opened_at: datetime | None) -> None:
        """Keep the opening of *symbol*, where it is known; the oldest entry makes room."""
        if opened_at is None:
            return
        self.by_symbol.pop(symbol, None)
        while len(self.by_symbol) >= _KEPT_MAX:
            self.by_symbol.pop(next(iter(self.by_symbol)))
        self.by_symbol[symbol] = opened_at

    def refusal_if_too_old(self, listing: Listing, ages: AgeSettings, now: datetime) -> Refusal | None:
        """Return the refusal of a *listing* that named no opening and opened long ago; None for any other."""
        opened_at = self.by_symbol.get(listing.symbol)
        # Of a relisted symbol the exchange may still name the opening of its former listing.
        if opened_at is None or listing.opens_at is not None or listing.occurrence > 1:
            return None
        age = age_if_too_old(listing.model_copy(update={"opens_at": opened_at}), ages, now)
        return None if age is None else Refusal(Reason.STALE_LISTING, f"it opened on {opened_at:%Y-%m-%d}")
