"""Freshness: the age up to which a listing is bought, the same for every order. Pure."""

from datetime import datetime, timedelta
from typing import Protocol

from executor.model import Reason, Refusal, keep_newest
from shared.events import CLOCK_TOLERANCE, Listing, Source


class AgeSettings(Protocol):
    """The settings that freshness depends on."""

    @property
    def listing_age_seconds(self) -> float:
        """The greatest age of a listing that is bought."""

    @property
    def opening_tolerance_seconds(self) -> float:
        """The time before an opening from which on it counts as reached."""


def age_starts_at(listing: Listing) -> datetime:
    """Return the time from which *listing* ages: its opening where that is known, else its first sighting.

    Ingest stamps a sighting by the exchange's time, which ages go by. That dedup's machine is behind makes it no
    older; an injected one may say itself that it is.
    """
    if listing.opens_at is not None:
        return listing.opens_at
    if listing.source is Source.TEST_INJECTION:
        return min(listing.listed_at, listing.observed_at)
    return listing.observed_at


def fresh_until(listing: Listing, ages: AgeSettings) -> datetime:
    """Return the time after which no request for *listing* may begin."""
    return age_starts_at(listing) + timedelta(seconds=ages.listing_age_seconds)


def opening_ahead(listing: Listing, ages: AgeSettings, now: datetime) -> datetime | None:
    """Return the opening that *listing* has to wait for; None where it has opened, or opens within the tolerance."""
    if listing.opens_at is None or listing.opens_at - now <= timedelta(seconds=ages.opening_tolerance_seconds):
        return None
    return listing.opens_at


def is_stated_ahead(listing: Listing, ages: AgeSettings, now: datetime) -> bool:
    """Return whether the opening of *listing* is to come, by a statement; a seen one may show when we came."""
    return opening_ahead(listing, ages, now) is not None and listing.observed_at < age_starts_at(listing)


def is_of_unknown_age(listing: Listing) -> bool:
    """Return whether *listing* appeared while no source watched, and its opening is unknown: it is not bought.

    Where the opening is known, age alone decides, however *listing* came to be seen.
    """
    return listing.late and listing.opens_at is None


def is_just_open(listing: Listing, ages: AgeSettings, now: datetime) -> bool:
    """Return whether *listing* is known to have opened, and is fresh."""
    return listing.opens_at is not None and listing.opens_at <= now <= fresh_until(listing, ages)


def is_from_the_future(listing: Listing, now: datetime) -> bool:
    """Return whether *listing* was seen later than clocks may differ: its age is unknown then, and it is not bought."""
    return min(listing.listed_at, listing.observed_at) - now > CLOCK_TOLERANCE


def age_if_too_old(listing: Listing, ages: AgeSettings, now: datetime) -> timedelta | None:
    """Return the age of a *listing* that is too old; None while it is fresh."""
    return None if now <= fresh_until(listing, ages) else now - age_starts_at(listing)


class KnownOpenings:
    """Openings that exchangeInfo named after a listing that named none: they show that a coin is old.

    Shared by every reader of exchangeInfo: each answer carries the opening of its symbol.
    """

    def __init__(self) -> None:
        self.by_symbol: dict[str, datetime] = {}
        """Read directly on the hot path, to see whether there is anything to judge."""

    def learn(self, symbol: str, opened_at: datetime | None) -> None:
        """Keep the opening of *symbol*, where it is known; the oldest entry makes room."""
        if opened_at is not None:
            keep_newest(self.by_symbol, symbol, opened_at)

    def refusal_if_too_old(self, listing: Listing, ages: AgeSettings, now: datetime) -> Refusal | None:
        """Return the refusal of a *listing* that named no opening and opened long ago; None for any other."""
        opened_at = self.by_symbol.get(listing.symbol)
        # Of a relisted symbol the exchange may still name the opening of its former listing.
        if opened_at is None or listing.opens_at is not None or listing.occurrence > 1:
            return None
        age = age_if_too_old(listing.model_copy(update={"opens_at": opened_at}), ages, now)
        return None if age is None else Refusal(Reason.STALE_LISTING, f"it opened on {opened_at:%Y-%m-%d}")
