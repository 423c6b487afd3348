"""Model of dedup's answer to each sighting, in a few lines and without a database."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.events import Listing, ListingKey, ListingRescheduled, RawListing
from shared.mexc.symbols import key_of


@dataclass(slots=True)
class Known:
    """One listing: who claimed it, and the latest word on its opening."""

    claimant: str
    opens_at: datetime | None
    told_at: datetime | None
    announced: datetime | None
    """The last published opening time."""
    mover: str | None = None
    observations: set[str] = field(default_factory=set)

    def hear(self, raw: RawListing) -> bool:
        """Take in another sighting; return whether it is news, or was when it came the first time."""
        self.observations.add(raw.id)
        if raw.opens_at is None:
            return False
        if self.told_at is None or self.told_at < raw.observed_at:
            moves = self.opens_at not in {None, raw.opens_at}
            opens = self.opens_at is None and raw.opens_at > raw.observed_at
            if moves or opens:
                self.mover, self.announced = raw.id, raw.opens_at
            self.opens_at, self.told_at = raw.opens_at, raw.observed_at
        return self.mover == raw.id


class LedgerModel:
    """Every listing there should be."""

    def __init__(self) -> None:
        self.known: dict[ListingKey, Known] = {}

    def answer(self, raw: RawListing) -> list[str]:
        """Return the ids of the events that *raw* should bring, delivered now."""
        key = key_of(raw)
        told_at = raw.observed_at if raw.opens_at else None
        known = self.known.setdefault(key, Known(raw.id, raw.opens_at, told_at, raw.opens_at))
        if known.claimant == raw.id:
            return [f"{key}:detected"]
        if not known.hear(raw):
            return []
        assert raw.opens_at is not None
        return [f"{key}:rescheduled:{int(raw.opens_at.timestamp() * 1000)}"]


class Consumer:
    """Downstream consumer: idempotent by the event's id; its opening time is that of the latest observation."""

    def __init__(self) -> None:
        self.listings: dict[str, Listing] = {}
        self._words: dict[ListingKey, tuple[datetime, datetime | None]] = {}

    def receive(self, event: Listing) -> None:
        if not isinstance(event, ListingRescheduled):
            known = self.listings.setdefault(event.id, event)
            assert known == event, "one id, two listings"
        heard_at, _ = self._words.get(event.key, (None, None))
        if event.opens_at is not None and (heard_at is None or heard_at < event.observed_at):
            self._words[event.key] = (event.observed_at, event.opens_at)

    def opening(self, key: ListingKey) -> datetime | None:
        return self._words.get(key, (None, None))[1]
