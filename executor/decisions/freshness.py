"""Freshness: the age up to which a listing is bought. One rule for every order, waited for or not. Pure."""

from datetime import datetime, timedelta
from typing import Protocol

from shared.events import CLOCK_TOLERANCE, Listing


class AgeSettings(Protocol):
    """The settings it goes by."""

    @property
    def listing_age_seconds(self) -> float:
        """How old a listing may be."""

    @property
    def opening_tolerance_seconds(self) -> float:
        """How soon an opening counts as reached."""


def ages_from(listing: Listing) -> datetime:
    """Return from when on *listing* ages: from its opening where that is known, else from when it was first seen."""
    return min(listing.listed_at, listing.observed_at) if listing.opens_at is None else listing.opens_at


def fresh_until(listing: Listing, ages: AgeSettings) -> datetime:
    """Return when *listing* is too old to be bought: no request for it may begin later."""
    return ages_from(listing) + timedelta(seconds=ages.listing_age_seconds)


def opening_ahead(listing: Listing, ages: AgeSettings, now: datetime) -> datetime | None:
    """Return the opening that *listing* must wait for; None where it has opened, or as good as."""
    if listing.opens_at is None or listing.opens_at - now <= timedelta(seconds=ages.opening_tolerance_seconds):
        return None
    return listing.opens_at


def is_of_unknown_age(listing: Listing) -> bool:
    """Return whether *listing* appeared while nobody watched, and nothing tells when it opened: it is not bought.

    Where that is told, its age alone decides, however *listing* came to be seen.
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
    return None if now <= fresh_until(listing, ages) else now - ages_from(listing)
